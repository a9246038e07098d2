import Telemetry
import Testing

@testable import Gateway

@Suite("What goes when the store is full")
struct RetentionPolicyTests {
  private let mebibyte: Int64 = 1 << 20

  private func policy(_ mebibytes: Int64 = 16) -> RetentionPolicy {
    RetentionPolicy(maxSize: .mebibytes(mebibytes), rawRetention: .hours(24))
  }

  /// A journal of 1000 segments.
  private func usage(
    journal: Int64, outbox: Int64, other: Int64 = 0, derived: Int64 = 1001, delivered: Int64 = 0
  ) -> StoreUsage {
    StoreUsage(
      journalBytes: journal * mebibyte, messages: 100_000, outboxBytes: outbox * mebibyte, otherBytes: other * mebibyte,
      oldestSegment: 1, newestSegment: 1000, derivedBefore: derived, deliveredBefore: delivered)
  }

  @Test("while there is room, only age counts, and only for what is derived")
  func room() {
    var policy = policy()
    let now = Timestamp(milliseconds: 1_795_318_800_000)
    let plan = policy.plan(usage(journal: 2, outbox: 1, derived: 500), now: now)
    #expect(plan.expire?.before == 500)
    #expect(plan.expire?.olderThan == now - .hours(24))
    #expect(plan.makeRoomBefore == nil && plan.outboxLimit == nil && plan.acceptsMessages)
  }

  @Test("nothing expires on the word of a clock that isn't trusted")
  func untrusted() {
    var policy = policy()
    #expect(policy.plan(usage(journal: 2, outbox: 1), now: nil).expire == nil)
  }

  @Test("raw that is derived and delivered goes first, and no more of it than is needed")
  func delivered() throws {
    var policy = policy()
    let plan = policy.plan(usage(journal: 14, outbox: 2, delivered: 800), now: nil)
    let before = try #require(plan.makeRoomBefore)
    #expect(before > 1 && before < 200)
    #expect(plan.outboxLimit == nil)
  }

  @Test("what is delivered bounds what goes first")
  func deliveredBound() {
    var policy = policy()
    #expect(policy.plan(usage(journal: 20, outbox: 2, delivered: 3), now: nil).makeRoomBefore == 3)
  }

  @Test("then raw that is derived goes, never what isn't")
  func derived() {
    var policy = policy()
    let plan = policy.plan(usage(journal: 14, outbox: 2, derived: 5), now: nil)
    #expect(plan.makeRoomBefore == 5)
    #expect(plan.outboxLimit == nil)
  }

  @Test("only when no derived raw is left must the outbox shrink")
  func outbox() {
    var policy = policy()
    let plan = policy.plan(usage(journal: 4, outbox: 12, derived: 1), now: nil)
    #expect(plan.makeRoomBefore == nil)
    #expect(plan.outboxLimit == policy.target - 4 * mebibyte)
  }

  @Test("the newest segment, which never goes, is no reason to wait with that")
  func newest() {
    var policy = policy()
    var usage = usage(journal: 1, outbox: 16)
    usage.oldestSegment = 1000
    let plan = policy.plan(usage, now: nil)
    #expect(plan.makeRoomBefore == nil)
    #expect(plan.outboxLimit == policy.target - mebibyte)
    usage.deliveredBefore = 1001
    #expect(policy.plan(usage, now: nil).outboxLimit == policy.target - mebibyte)
  }

  @Test("derived raw that is held for late readings costs no record, and doesn't count as underived")
  func held() {
    var policy = policy()
    var usage = usage(journal: 15, outbox: 1)
    usage.heldFrom = 1
    let plan = policy.plan(usage, now: nil)
    #expect(plan == RetentionPolicy.Plan(acceptsMessages: true))
    usage.heldFrom = 10
    #expect(policy.plan(usage, now: nil).makeRoomBefore == 10)
    let now = Timestamp(milliseconds: 1_795_318_800_000)
    #expect(policy.plan(usage, now: now).expire?.before == 10)
  }

  @Test("logs and the reserve count, too")
  func others() {
    var policy = policy()
    #expect(policy.plan(usage(journal: 8, outbox: 2, delivered: 800), now: nil).makeRoomBefore == nil)
    #expect(policy.plan(usage(journal: 8, outbox: 2, other: 7, delivered: 800), now: nil).makeRoomBefore != nil)
    let plan = policy.plan(usage(journal: 4, outbox: 6, other: 7, derived: 1), now: nil)
    #expect(plan.outboxLimit == policy.target - 11 * mebibyte)
  }

  @Test("underived raw over half of the store stops the reading, and a little less lets it go on")
  func pausing() {
    var policy = policy()
    #expect(!policy.plan(usage(journal: 9, outbox: 0, derived: 1), now: nil).acceptsMessages)
    // Just under the mark is not enough: it would flutter.
    #expect(!policy.plan(usage(journal: 8, outbox: 0, derived: 10), now: nil).acceptsMessages)
    #expect(policy.plan(usage(journal: 7, outbox: 0, derived: 1), now: nil).acceptsMessages)
    #expect(policy.plan(usage(journal: 8, outbox: 0, derived: 10), now: nil).acceptsMessages)
  }

  @Test("a store over its size stops the reading")
  func full() {
    var policy = policy()
    #expect(!policy.plan(usage(journal: 1, outbox: 16), now: nil).acceptsMessages)
  }

  @Test("a full store always has something to do, or stops the reading")
  func progress() {
    for journal in stride(from: Int64(0), through: 20, by: 2) {
      for outbox in stride(from: Int64(0), through: 20, by: 2) {
        for derived: Int64 in [0, 1, 400, 1001] {
          for delivered: Int64 in [0, 1, 300] where delivered <= derived {
            var policy = policy()
            let usage = usage(journal: journal, outbox: outbox, derived: derived, delivered: delivered)
            let plan = policy.plan(usage, now: nil)
            if usage.bytes > policy.target { #expect(plan.makeRoomBefore != nil || plan.outboxLimit != nil) }
            if let before = plan.makeRoomBefore { #expect(before <= derived) }
            if usage.bytes > policy.maxSize { #expect(!plan.acceptsMessages) }
          }
        }
      }
    }
  }
}

@Suite("A journal that was salvaged")
struct SalvagedUsageTests {
  @Test("ids that leaped don't stop the reading")
  func leap() {
    var policy = RetentionPolicy(maxSize: .mebibytes(256), rawRetention: .hours(24))
    let usage = StoreUsage(
      journalBytes: 8 << 20, messages: 3000, outboxBytes: 1 << 20, otherBytes: 0, oldestSegment: 1,
      newestSegment: 1 << 32 + 4, derivedBefore: 7, deliveredBefore: 0)
    #expect(usage.underivedBytes <= usage.journalBytes)
    #expect(policy.plan(usage, now: nil).acceptsMessages)
  }
}

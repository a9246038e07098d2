import Synchronization
import Telemetry
import Testing

@testable import Gateway

@Suite("A store that refuses")
struct StoreRefusalTests {
  private let start = Span.seconds(100)
  private func after(_ milliseconds: Int64) -> Span { Span(nanoseconds: start.nanoseconds + milliseconds * 1_000_000) }

  @Test("while nothing is wrong there is nothing to look at")
  func fine() {
    var refusal = StoreRefusal()
    #expect(!refusal.isRefusing && !refusal.lacksRoom && refusal.due == nil)
    #expect(refusal.look(now: start) == .none)
  }

  @Test("a full disk is looked at each second, and room is made sure of before anything is written")
  func full() {
    var refusal = StoreRefusal()
    refusal.refused(lacksRoom: true, now: start)
    #expect(refusal.isRefusing && refusal.lacksRoom && refusal.due == after(1000))
    #expect(refusal.look(now: after(999)) == .none)
    #expect(refusal.look(now: after(1000)) == .makeSureOfRoom)
    #expect(refusal.look(now: after(1500)) == .none)
    #expect(refusal.look(now: after(2000)) == .makeSureOfRoom)
    refusal.recovered()
    #expect(!refusal.isRefusing && refusal.due == nil)
    #expect(refusal.look(now: after(9000)) == .none)
  }

  @Test("any other refusal is tried again by a write")
  func other() {
    var refusal = StoreRefusal()
    refusal.refused(lacksRoom: false, now: start)
    #expect(refusal.isRefusing && !refusal.lacksRoom)
    #expect(refusal.look(now: after(1000)) == .write)
    // The write fails for want of room: from now on that is what must be made sure of.
    refusal.refused(lacksRoom: true, now: after(1000))
    #expect(refusal.look(now: after(1999)) == .none)
    #expect(refusal.look(now: after(2000)) == .makeSureOfRoom)
  }

  @Test("recovery never waits longer than the promised five seconds")
  func promise() { #expect(StoreRefusal.interval < .seconds(5)) }

  @Test("whoever is refused again and again doesn't put the look off")
  func steady() {
    var refusal = StoreRefusal()
    refusal.refused(lacksRoom: true, now: start)
    for step in 1...9 { refusal.refused(lacksRoom: true, now: after(Int64(step) * 100)) }
    #expect(refusal.due == after(1000))
    #expect(refusal.look(now: after(1000)) == .makeSureOfRoom)
    refusal.refused(lacksRoom: true, now: after(1001))
    #expect(refusal.due == after(2000))
  }

  @Test("the gate is open only while nobody keeps it closed, and closed until somebody has looked")
  func gate() {
    let gate = IngestGate()
    let changes = Atomic(0)
    gate.whenChanged { changes.add(1, ordering: .relaxed) }
    #expect(!gate.isOpen && gate.isClosed(by: .quota))
    #expect(gate.set(true, by: .quota))
    #expect(gate.isOpen)
    #expect(gate.set(false, by: .disk))
    #expect(gate.set(false, by: .journal))
    #expect(!gate.set(false, by: .journal))
    #expect(gate.set(true, by: .disk))
    #expect(!gate.isOpen && gate.isClosed(by: .journal) && !gate.isClosed(by: .disk))
    #expect(gate.set(true, by: .journal))
    #expect(!gate.set(true, by: .journal))
    #expect(gate.isOpen)
    #expect(changes.load(ordering: .relaxed) == 5)
  }
}

import Telemetry

/// What goes when the store is full, and when the gateway stops reading.
///
/// In this order: raw that is derived and delivered; raw that is derived; what is remembered of sealed windows, so that
/// late readings can be joined to them; then the outbox by its own rules (what is delivered everywhere, undelivered
/// status records, undelivered summaries from the oldest on, each accounted for).
/// Raw that is not derived yet and alarms never go: when only they are left, or underived raw exceeds half of
/// `max_size`, nothing more is read, and the broker keeps what comes.
struct RetentionPolicy: Sendable, Equatable {
  var maxSize: Int64
  var rawRetention: Span
  private(set) var acceptsMessages = true

  init(maxSize: ByteSize, rawRetention: Span) {
    self.maxSize = maxSize.bytes
    self.rawRetention = rawRetention
  }

  struct Plan: Sendable, Equatable {
    /// Raw segments below this, as far as they are older than `rawRetention`.
    var expire: (before: Int64, olderThan: Timestamp)?
    /// Raw segments below this, whatever their age.
    var makeRoomBefore: Int64?
    /// What the outbox must shrink to, where no window can be forgotten.
    var outboxLimit: Int64?
    var acceptsMessages: Bool

    static func == (a: Plan, b: Plan) -> Bool {
      a.expire?.before == b.expire?.before && a.expire?.olderThan == b.expire?.olderThan
        && a.makeRoomBefore == b.makeRoomBefore && a.outboxLimit == b.outboxLimit
        && a.acceptsMessages == b.acceptsMessages
    }
  }

  /// A sixteenth stays free for the write-ahead logs and for what is written between two looks.
  var target: Int64 { maxSize - maxSize / 16 }

  /// - Parameter now: the wall clock; `nil` where it isn't trusted, for nothing expires on such a clock's word.
  mutating func plan(_ usage: StoreUsage, now: Timestamp?) -> Plan {
    acceptsMessages = mayAccept(usage)
    var plan = Plan(acceptsMessages: acceptsMessages)
    // The newest segment never goes.
    let derivedBefore = min(usage.derivedBefore, usage.newestSegment)
    let deletableBefore = min(derivedBefore, usage.heldFrom)
    if let now { plan.expire = (deletableBefore, now - rawRetention) }
    let excess = usage.bytes - target
    guard excess > 0 else { return plan }
    let wanted = usage.oldestSegment + excess / usage.bytesPerSegment + 1
    let deliveredBefore = min(usage.deliveredBefore, deletableBefore)
    if deliveredBefore > usage.oldestSegment {
      plan.makeRoomBefore = min(wanted, deliveredBefore)
    } else if deletableBefore > usage.oldestSegment {
      plan.makeRoomBefore = min(wanted, deletableBefore)
    } else if derivedBefore <= usage.oldestSegment {
      plan.outboxLimit = max(0, target - usage.journalBytes - usage.otherBytes)
    }
    return plan
  }

  private func mayAccept(_ usage: StoreUsage) -> Bool {
    // Once stopped, it starts again a little below the mark, or it would flutter.
    let slack = acceptsMessages ? 0 : maxSize / 32
    return usage.bytes <= maxSize - slack && usage.underivedBytes <= maxSize / 2 - slack
  }
}

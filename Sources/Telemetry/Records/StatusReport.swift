/// What the gateway says of itself: the body of `/api/status`, and what `lumbung status --json` prints.
///
/// Times are RFC 3339 texts, sizes bytes, counts since the daemon's start unless said otherwise.
public struct StatusReport: Codable, Sendable, Equatable {
  public struct Broker: Codable, Sendable, Equatable {
    /// `connecting`, `connected`, `waiting` (before the next try), `paused` (store full).
    public var state = "connecting"
    public var url = ""
    public var protocol_version = 5
    public var since: String?
    public var error: String?
    public var received: Int64 = 0
    public var redelivered: Int64 = 0
    /// Messages with an image, of which only size and hash are kept.
    public var images: Int64 = 0
    public var reconnects: Int64 = 0
    /// What the broker says it dropped, since it started; `nil` where it doesn't tell.
    public var dropped_by_broker: Int64?

    public init() {}
  }

  public struct Journal: Codable, Sendable, Equatable {
    public var uuid = ""
    public var oldest_segment: Int64 = 0
    public var newest_segment: Int64 = 0
    public var messages: Int64 = 0
    public var bytes: Int64 = 0
    public var commits: Int64 = 0
    public var commit_error: String?

    public init() {}
  }

  public struct Derive: Codable, Sendable, Equatable {
    public var position: Int64 = 0
    public var lag_segments: Int64 = 0
    public var messages: Int64 = 0
    public var observations: Int64 = 0
    public var devices: Int64 = 0
    public var open_windows: Int64 = 0
    public var sealed_windows: Int64 = 0
    public var revisions: Int64 = 0
    public var quarantined: Int64 = 0
    public var partial: Int64 = 0
    public var too_late: Int64 = 0
    public var unrouted: Int64 = 0
    /// Segments of the journal that could not be read back: their messages are lost.
    public var damaged_segments: Int64 = 0
    /// How often each limit of `[limits]` was hit; those that were not are left out.
    public var limit_hits: [String: Int64] = [:]
    /// Messages of Sparkplug that could not be understood, or not in full, without another birth.
    public var rebirths_wanted: Int64 = 0
    /// The latest quarantined messages: topic and reason, newest first, never the payload.
    public var last_quarantined: [Quarantined] = []
    public var error: String?

    public init() {}
  }

  public struct Quarantined: Codable, Sendable, Equatable {
    public var topic: String
    public var reason: String
    public var time: String

    public init(topic: String, reason: String, time: String) {
      self.topic = topic
      self.reason = reason
      self.time = time
    }
  }

  public struct LaneBacklog: Codable, Sendable, Equatable {
    public var lane: String
    public var pending_records: Int64
    public var pending_batches: Int64

    public init(lane: String, pending_records: Int64, pending_batches: Int64) {
      self.lane = lane
      self.pending_records = pending_records
      self.pending_batches = pending_batches
    }
  }

  public struct Uplink: Codable, Sendable, Equatable {
    public var name = ""
    public var url = ""
    /// `idle`, `sending`, `waiting` (before the next try), `held` (see `held_back`), `misconfigured`.
    public var state = "idle"
    public var delivered_records: Int64 = 0
    public var delivered_batches: Int64 = 0
    public var last_success: String?
    public var error: String?
    /// What helps against `error`.
    public var cure: String?
    /// What is kept back by hours or budget, and why.
    public var held_back: String?
    /// What went over the wire both ways, since the start: HTTP's or MQTT's bytes and an estimate for what lies below.
    public var wire_bytes: Int64?
    /// As the link has proven; `nil` until it was measured.
    public var link_bytes_per_second: Double?
    /// Of a calendar month; `nil` where there is no budget.
    public var budget_bytes: Int64?
    public var budget_left_bytes: Int64?
    public var backlog: [LaneBacklog] = []
    /// Records not yet delivered, all lanes.
    public var pending_records: Int64 = 0
    /// How long the backlog will take at the present rate; `nil` where nothing moves.
    public var seconds_left: Double?

    public init() {}
  }

  public struct Store: Codable, Sendable, Equatable {
    public var bytes: Int64 = 0
    public var max_bytes: Int64 = 0
    /// Raw segments deleted to make room before `raw_retention` was over, since the start.
    public var raw_deleted_for_room: Int64 = 0
    /// Records dropped for want of room, each accounted for to the receiver, ever.
    public var dropped_records: Int64 = 0
    public var dead_letters: Int64 = 0
    /// Why nothing is read from the broker now; `nil` while messages are taken.
    public var refusal: String?

    public init() {}
  }

  /// Something that happened to the store.
  public struct Incident: Codable, Sendable, Equatable {
    /// The same however often the same thing is met and told.
    public var id: String
    public var time: String
    /// `journal-damaged`, `journal-repaired`, `journal-shortened`, `outbox-damaged`, `segment-damaged`.
    public var what: String
    /// For people.
    public var reason: String
    /// Where the damaged file lies now.
    public var set_aside: String?
    /// Segments of a journal, batches of an outbox, that could be read and go on.
    public var salvaged: Int64?
    /// Segments that are lost, as ids and ranges.
    public var gaps: String?

    public init(
      id: String, time: String, what: String, reason: String, set_aside: String? = nil, salvaged: Int64? = nil,
      gaps: String? = nil
    ) {
      self.id = id
      self.time = time
      self.what = what
      self.reason = reason
      self.set_aside = set_aside
      self.salvaged = salvaged
      self.gaps = gaps
    }
  }

  public struct Alarm: Codable, Sendable, Equatable {
    public var rule: String
    public var device: String
    public var severity: String
    public var since: String
    public var message: String

    public init(rule: String, device: String, severity: String, since: String, message: String) {
      self.rule = rule
      self.device = device
      self.severity = severity
      self.since = since
      self.message = message
    }
  }

  public var gateway = ""
  public var version = ""
  public var started = ""
  public var now = ""
  /// Whether the kernel calls the clock synchronised.
  public var clock_synchronised = false
  /// Whether its times are believed: it is synchronised, or the configuration says `trust = "always"`.
  public var clock_trusted = false
  public var broker = Broker()
  public var journal = Journal()
  public var derive = Derive()
  public var uplinks: [Uplink] = []
  public var store = Store()
  /// At most 100, the latest first.
  public var active_alarms: [Alarm] = []
  public var active_alarm_count = 0
  /// What happened to the store, at most 20, the latest first. Kept across restarts.
  public var incidents: [Incident] = []

  public init() {}
}

import Telemetry

/// What was heard on one topic.
public struct HeardTopic: Sendable {
  /// A payload, and when it came.
  public struct Sample: Sendable {
    public let payload: [UInt8]
    public let receivedAt: Timestamp
    /// It came out of the broker's store, when we subscribed: its time says nothing of how often the device reports.
    public let retained: Bool

    var text: String { String(decoding: payload, as: UTF8.self) }
  }

  public let topic: String
  public let levels: [String]
  /// Retained ones included.
  public internal(set) var messages = 0
  public internal(set) var retained = 0
  public internal(set) var binary = 0
  /// Payloads too large to be kept.
  public internal(set) var oversized = 0
  /// The first ones, and the latest.
  public internal(set) var samples: [Sample] = []
  /// Nanoseconds between live messages: the latest few.
  private(set) var gaps: [Int64] = []
  private(set) var lastLive: Timestamp?
  private var gapAt = 0

  /// Enough for a median that one late message doesn't move.
  private static let gapsKept = 15

  init(_ topic: String) {
    self.topic = topic
    levels = topic.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
  }

  /// Messages that were sent while we listened.
  public var live: Int { messages - retained }

  mutating func heardLive(at time: Timestamp) {
    defer { lastLive = time }
    guard let lastLive, time > lastLive else { return }
    let gap = (time - lastLive).nanoseconds
    if gaps.count < HeardTopic.gapsKept {
      gaps.append(gap)
    } else {
      gaps[gapAt] = gap
      gapAt = (gapAt + 1) % HeardTopic.gapsKept
    }
  }
}

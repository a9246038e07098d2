import Telemetry

/// `[store]`: where messages and records are kept, and how much of them.
public struct StoreSettings: Sendable, Hashable {
  /// The folder of both databases.
  public var path: String
  /// Of both databases together; at least 16 MiB.
  public var maxSize: ByteSize
  public var rawRetention: Span
  /// The longest that a message waits for its commit.
  public var commitInterval: Span
  /// The most messages in one commit. What a commit costs beside its messages (four pages of the log, a sync) is shared by
  /// all of them: at full rate 4,000 write a fifth less to flash than 2,000 and cost a tenth less processor time, and twice
  /// as many gain a few per cent more. Each thousand takes about a megabyte.
  public var commitMessages: Int

  public init(
    path: String = "/var/lib/lumbung", maxSize: ByteSize = .mebibytes(512), rawRetention: Span = .hours(7 * 24),
    commitInterval: Span = .milliseconds(200), commitMessages: Int = 4000
  ) {
    self.path = path
    self.maxSize = maxSize
    self.rawRetention = rawRetention
    self.commitInterval = commitInterval
    self.commitMessages = commitMessages
  }
}

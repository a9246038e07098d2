import Telemetry

extension StoreSettings {
  /// Below this the two databases' write-ahead logs alone would be a good part of it.
  static let smallest = ByteSize.mebibytes(16)

  init(reading table: TableReader) {
    self.init()
    path = table.text("path", example: path, longest: 4096) ?? path
    maxSize = table.size("max_size", atLeast: StoreSettings.smallest, example: "512MiB") ?? maxSize
    rawRetention =
      table.span("raw_retention", in: .seconds(1) ... .hours(24 * 3660), example: "7d") ?? rawRetention
    // A commit that takes 30 s counts as hung, so a message can't wait as long before it begins.
    commitInterval =
      table.span("commit_interval", in: .milliseconds(1) ... .seconds(10), example: "200ms") ?? commitInterval
    // A broker sends no more than 65535 messages that are not acknowledged; a batch can't be larger.
    commitMessages = table.integer("commit_messages", in: 1...65_535, example: 4000) ?? commitMessages
    table.finish()
  }
}

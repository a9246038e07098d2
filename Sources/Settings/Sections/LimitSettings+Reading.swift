import Telemetry

extension LimitSettings {
  /// A broker's packet can't be larger than 256 MiB; what comes near it is no report.
  private static let largestPayload = ByteSize.mebibytes(1)

  init(reading table: TableReader) {
    self.init()
    if let size = table.size("payload", atLeast: ByteSize(bytes: 1024), example: "256KiB") {
      if size.bytes <= LimitSettings.largestPayload.bytes {
        payload = size
      } else {
        table.fault(
          "`payload` in [limits]: more than 1MiB is stored nowhere", at: "payload", hint: "for example \"256KiB\"")
      }
    }
    // Reading goes down a level of the stack with each.
    nesting = table.integer("nesting", in: 1...128, example: 32) ?? nesting
    fields = table.integer("fields", in: 1...100_000, example: 4096) ?? fields
    topics = table.integer("topics", in: 16...10_000_000, example: 200_000) ?? topics
    devices = table.integer("devices", in: 1...1_000_000, example: 100_000) ?? devices
    series = table.integer("series", in: 1...20_000_000, example: 2_000_000) ?? series
    table.finish()
  }
}

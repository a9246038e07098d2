import Telemetry

extension TimeMapping {
  /// The source's `time`; `nil` where it has none, or one that is not sound.
  init?(optional source: TableReader) {
    guard source.has("time") else {
      _ = source.entry("time")
      return nil
    }
    let table = source.table("time", title: "[source.time]")
    table.require("path", example: "\"/ts\"")
    table.require("unit", example: "\"ms\"")
    let path = table.pointer("path", example: "/ts")
    let unit = table.choice("unit", Unit.self)
    table.finish()
    guard let path, let unit else { return nil }
    self.init(path: path, unit: unit)
  }
}

import Telemetry

extension MetricMapping {
  /// `nil` where a fault was told that leaves nothing to work with.
  init?(reading table: TableReader, format: String?) {
    table.require("name", example: "\"camera.fps\"")
    let name = MetricMapping.name(table)
    if format == "json" { table.require("path", example: "\"/fps\"") }
    let path = table.pointer("path", example: "/fps")
    if format == "scalar", let path, !path.isEmpty {
      table.fault(
        "`path` in [[source.metric]] has no effect: a scalar payload is the value itself", at: "path",
        hint: "leave it out, or use format = \"json\"")
    }
    let unit = table.unit("unit")
    let kind = table.choice("kind", MetricKind.self)
    // None of them is there: a table that has one is read as a `MetricRule`. But they are what may be meant.
    for key in MetricRule.keys { _ = table.entry(key) }
    table.finish()
    guard let name else { return nil }
    self.init(name: name, path: path ?? "", unit: unit ?? "1", kind: kind ?? .gauge)
  }

  /// Braces and equals signs are how a record writes a metric's labels.
  private static func name(_ table: TableReader) -> String? {
    guard let name = table.text("name", example: "camera.fps", longest: 255) else { return nil }
    guard !name.contains(where: { "{}=, ".contains($0) }) else {
      table.fault(
        "`name` in [[source.metric]]: \(quoted(name)) has a space, a comma, a brace or =", at: "name",
        hint: "for example name = \"camera.fps\"")
      return nil
    }
    return name
  }
}

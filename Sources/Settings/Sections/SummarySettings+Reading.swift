import Telemetry

extension SummarySettings {
  init(reading table: TableReader) {
    self.init()
    let given = table.spans("window", in: .seconds(1) ... .hours(7 * 24), example: "5m")
    if let first = given.first {
      var seen: Set<Span> = []
      var shorter = first.span
      for (span, line) in given {
        if !seen.insert(span).inserted {
          table.collector.add("`window` in [summary]: \(span) stands twice", line: line, hint: "leave one out")
        } else if span.nanoseconds % shorter.nanoseconds != 0 {
          table.collector.add(
            "`window` in [summary]: \(span) is no multiple of \(shorter)", line: line,
            hint: "put the shortest first; each is made of the one before, for example window = [\"5m\", \"1h\"]")
        } else {
          shorter = span
        }
      }
      windows = given.map(\.span)
    }
    grace = table.span("grace", in: .zero ... .hours(1), example: "10s") ?? grace
    lateness = table.span("lateness", in: .zero ... .hours(31 * 24), example: "24h") ?? lateness
    table.finish()
  }
}

/// Narrows a summary record to one metric.
struct MetricFilter {
  private let metric: String

  /// - Parameter metric: `optical.input-power` stands for that metric and all of its instances,
  ///   `optical.input-power{lane=1}` for that instance alone.
  init(_ metric: String) { self.metric = metric }

  /// The record with no other metric in it; `nil` where it doesn't have that one, or is no record.
  func apply(_ record: String) -> String? {
    let bytes = Array(record.utf8)
    var kept: [UInt8] = []
    var found = false
    var members: [Range<Int>] = []
    do {
      var metrics: Range<Int>?
      var scanner = JSONScanner(bytes)
      try scanner.object { key, value in
        if metrics == nil, JSONText.string(bytes, key) == "metrics" {
          metrics = value
        } else {
          members.append(key.lowerBound..<value.upperBound)
        }
      }
      guard let metrics, JSONText.isObject(bytes, metrics) else { return nil }
      var inner = JSONScanner(bytes, metrics)
      try inner.object { key, value in
        guard let name = JSONText.string(bytes, key), matches(name) else { return }
        kept += (found ? [UInt8(ascii: ",")] : []) + bytes[key.lowerBound..<value.upperBound]
        found = true
      }
    } catch {
      return nil
    }
    guard found else { return nil }
    var output = Array("{".utf8)
    for member in members { output += bytes[member] + [UInt8(ascii: ",")] }
    output += Array(#""metrics":{"#.utf8) + kept + Array("}}".utf8)
    return String(decoding: output, as: UTF8.self)
  }

  private func matches(_ name: String) -> Bool { name == metric || name.hasPrefix(metric + "{") }
}

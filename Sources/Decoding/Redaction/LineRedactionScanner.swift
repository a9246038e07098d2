/// Finds `name=value` in InfluxDB's line protocol, and in other text that is written so.
enum LineRedactionScanner {
  /// No name is longer; looking back from each `=` stays short.
  private static let longestName = 64

  static func scan(
    _ payload: UnsafeRawBufferPointer, _ rule: (UnsafeRawBufferPointer) -> RedactedNames.Rule?
  ) -> [RedactionCut] {
    var cuts: [RedactionCut] = []
    var at = 0
    while at < payload.count {
      guard payload[at] == UInt8(ascii: "=") else {
        at += 1
        continue
      }
      var first = at
      while first > 0, at - first < longestName, !isEnd(payload[first - 1]) { first -= 1 }
      let (value, end) = value(payload, at + 1)
      if let rule = rule(UnsafeRawBufferPointer(rebasing: payload[first..<at])), rule.cuts(content(payload, value)),
        !value.isEmpty
      {
        cuts.append(RedactionCut(range: value, replacement: .text))
      }
      at = end
    }
    return cuts
  }

  private static func isEnd(_ byte: UInt8) -> Bool {
    byte <= 0x20 || byte == UInt8(ascii: ",") || byte == UInt8(ascii: ";") || byte == UInt8(ascii: "&")
  }

  /// The value that begins at `start`, without its quotes, and where to go on.
  private static func value(_ payload: UnsafeRawBufferPointer, _ start: Int) -> (Range<Int>, Int) {
    var at = start
    if at < payload.count, payload[at] == UInt8(ascii: "\"") {
      at += 1
      while at < payload.count, payload[at] != UInt8(ascii: "\"") {
        at += payload[at] == UInt8(ascii: "\\") ? 2 : 1
      }
      let end = min(at, payload.count)
      return (min(start + 1, end)..<end, min(end + 1, payload.count))
    }
    // In tags, spaces and commas are escaped.
    while at < payload.count, !isEnd(payload[at]) { at += payload[at] == UInt8(ascii: "\\") ? 2 : 1 }
    let end = min(at, payload.count)
    return (start..<end, end)
  }

  private static func content(_ payload: UnsafeRawBufferPointer, _ range: Range<Int>) -> RedactedNames.Content {
    let bytes = payload[range]
    guard let last = bytes.last else { return .nothing }
    if bytes.elementsEqual(FieldRedaction.text.utf8) { return .nothing }
    let digits = last == UInt8(ascii: "i") || last == UInt8(ascii: "u") ? bytes.dropLast() : bytes
    if digits.allSatisfy({ $0.isDigit || "+-.eE".utf8.contains($0) }) { return .number }
    return ["t", "f", "true", "false"].contains { UnsafeRawBufferPointer(rebasing: bytes).equalsIgnoringCase($0) }
      ? .boolean : .text
  }
}

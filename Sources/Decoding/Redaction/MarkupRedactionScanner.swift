/// Finds elements and attributes in XML, as cameras send it. No format reads it, but what is refused is stored, too.
enum MarkupRedactionScanner {
  static func scan(
    _ payload: UnsafeRawBufferPointer, _ rule: (UnsafeRawBufferPointer) -> RedactedNames.Rule?
  ) -> [RedactionCut] {
    var cuts: [RedactionCut] = []
    var at = 0
    while let open = index(of: UInt8(ascii: "<"), in: payload, from: at) {
      let name = (open + 1)..<endOfName(payload, open + 1)
      at = name.upperBound
      guard !name.isEmpty else {
        at = open + 1
        continue
      }
      let close = attributes(payload, at, rule, &cuts)
      at = close
      guard close < payload.count, payload[close - 1] != UInt8(ascii: "/"),
        let rule = rule(UnsafeRawBufferPointer(rebasing: payload[name]))
      else { continue }
      let start = close + 1
      let end = closing(of: payload[name], in: payload, from: start) ?? payload.count
      if rule.cuts(content(payload, start..<end)) {
        cuts.append(RedactionCut(range: start..<end, replacement: .nothing))
        at = end
      }
    }
    return cuts
  }

  /// Goes through a tag's attributes.
  ///
  /// - Returns: where its `>` is, or the payload's end.
  private static func attributes(
    _ payload: UnsafeRawBufferPointer, _ start: Int, _ rule: (UnsafeRawBufferPointer) -> RedactedNames.Rule?,
    _ cuts: inout [RedactionCut]
  ) -> Int {
    var pair: RedactedNames.Rule?
    var values: [Range<Int>] = []
    var name = start..<start
    var at = start
    while at < payload.count, payload[at] != UInt8(ascii: ">") {
      let byte = payload[at]
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
        let end = index(of: byte, in: payload, from: at + 1) ?? payload.count
        let value = min(at + 1, end)..<end
        let given = UnsafeRawBufferPointer(rebasing: payload[name])
        if let rule = rule(given), rule.cuts(content(payload, value)) {
          cuts.append(RedactionCut(range: value, replacement: .nothing))
        } else if given.equalsIgnoringCase("name") {
          pair = rule(UnsafeRawBufferPointer(rebasing: payload[value]))
        } else if given.equalsIgnoringCase("value") {
          values.append(value)
        }
        at = min(end + 1, payload.count)
      } else if byte <= 0x20 || byte == UInt8(ascii: "/") {
        at += 1
      } else if byte == UInt8(ascii: "=") {
        at += 1
      } else {
        let end = max(endOfName(payload, at), at + 1)
        name = at..<end
        at = end
      }
    }
    if let pair {
      for value in values where pair.cuts(content(payload, value)) {
        cuts.append(RedactionCut(range: value, replacement: .nothing))
      }
    }
    return at
  }

  private static func endOfName(_ payload: UnsafeRawBufferPointer, _ start: Int) -> Int {
    var at = start
    while at < payload.count, payload[at] > 0x20, !"<>/=\"'?!".utf8.contains(payload[at]) { at += 1 }
    return at
  }

  private static func index(of byte: UInt8, in payload: UnsafeRawBufferPointer, from start: Int) -> Int? {
    guard start <= payload.count else { return nil }
    return payload[start...].firstIndex(of: byte)
  }

  /// Where `</name` begins.
  private static func closing(
    of name: Slice<UnsafeRawBufferPointer>, in payload: UnsafeRawBufferPointer, from start: Int
  ) -> Int? {
    var at = start
    while let open = index(of: UInt8(ascii: "<"), in: payload, from: at) {
      let first = open + 2
      if first + name.count <= payload.count, payload[open + 1] == UInt8(ascii: "/"),
        payload[first..<(first + name.count)].elementsEqual(name)
      {
        return open
      }
      at = open + 1
    }
    return nil
  }

  private static func content(_ payload: UnsafeRawBufferPointer, _ range: Range<Int>) -> RedactedNames.Content {
    let bytes = UnsafeRawBufferPointer(rebasing: payload[range]).trimmed
    guard let first = bytes.first else { return .nothing }
    if first == UInt8(ascii: "<") { return .structure }
    if bytes.allSatisfy({ $0.isDigit || "+-.".utf8.contains($0) }) { return .number }
    return bytes.equalsIgnoringCase("true") || bytes.equalsIgnoringCase("false") ? .boolean : .text
  }
}

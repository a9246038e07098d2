/// Finds fields in JSON, and in what was meant to be JSON: a broken payload is stored, too. One pass, without recursion.
struct JSONRedactionScanner {
  /// Pairs of name and value are looked for in so many objects inside one another; fields everywhere.
  private static let deepest = 32

  private let payload: UnsafeRawBufferPointer
  private let names: RedactedNames
  /// Whether every text goes: the topic says what they are.
  private let cutsTexts: Bool
  private var depth = 0
  /// Of pairs in objects that aren't closed yet, deepest last. Most payloads have none, and nothing is made for them.
  private var rules: [(depth: Int, rule: RedactedNames.Rule)] = []
  /// Where values of pairs begin in objects that aren't closed yet, deepest last.
  private var values: [(depth: Int, start: Int)] = []
  private var cuts: [RedactionCut] = []

  init(_ payload: UnsafeRawBufferPointer, _ names: RedactedNames, cutsTexts: Bool) {
    self.payload = payload
    self.names = names
    self.cutsTexts = cutsTexts
  }

  mutating func scan() -> [RedactionCut] {
    var at = 0
    while at < payload.count {
      switch payload[at] {
      case UInt8(ascii: "\""): at = string(at)
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        at += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        close()
        at += 1
      default: at += 1
      }
    }
    while depth > 0 { close() }
    return cuts
  }

  private mutating func close() {
    guard depth > 0 else { return }
    var rule: RedactedNames.Rule?
    while let last = rules.last, last.depth >= depth {
      // The last name that an object gave itself counts.
      rule = rule ?? last.rule
      rules.removeLast()
    }
    while let last = values.last, last.depth >= depth {
      if let rule { cut(last.start, rule) }
      values.removeLast()
    }
    depth -= 1
  }

  /// - Returns: where to go on.
  private mutating func string(_ start: Int) -> Int {
    let end = endOfString(start)
    let colon = skipSpace(end)
    guard colon < payload.count, payload[colon] == UInt8(ascii: ":") else {
      if cutsTexts, end - start > 2 { cuts.append(RedactionCut(range: start..<end, replacement: .null)) }
      return end
    }
    let value = skipSpace(colon + 1)
    let name = UnsafeRawBufferPointer(rebasing: payload[(start + 1)..<max(start + 1, end - 1)])
    if let rule = names.rule(name), let end = cut(value, rule) { return end }
    guard depth > 0, depth <= JSONRedactionScanner.deepest, value < payload.count else { return value }
    if JSONRedactionScanner.isNaming(name), payload[value] == UInt8(ascii: "\"") {
      let end = endOfString(value)
      let said = UnsafeRawBufferPointer(rebasing: payload[(value + 1)..<max(value + 1, end - 1)])
      if let rule = names.rule(said) { rules.append((depth, rule)) }
      return end
    }
    if JSONRedactionScanner.isValue(name) { values.append((depth, value)) }
    return value
  }

  /// - Returns: the value's end, where it goes.
  @discardableResult
  private mutating func cut(_ start: Int, _ rule: RedactedNames.Rule) -> Int? {
    let end = endOfValue(start)
    guard end > start, rule.cuts(content(start, end)) else { return nil }
    cuts.append(RedactionCut(range: start..<end, replacement: .null))
    return end
  }

  private func content(_ start: Int, _ end: Int) -> RedactedNames.Content {
    switch payload[start] {
    case UInt8(ascii: "\""): end - start > 2 ? .text : .nothing
    case UInt8(ascii: "{"), UInt8(ascii: "["): .structure
    case UInt8(ascii: "t"), UInt8(ascii: "f"): .boolean
    case UInt8(ascii: "n"): .nothing
    default: .number
    }
  }

  private static func isNaming(_ name: UnsafeRawBufferPointer) -> Bool {
    switch name.count {
    case 1: name[0] | 0x20 == UInt8(ascii: "n")
    case 3, 4: isWord(name, "key") || isWord(name, "name")
    default: false
    }
  }

  private static func isValue(_ name: UnsafeRawBufferPointer) -> Bool {
    switch name.count {
    case 1: name[0] | 0x20 == UInt8(ascii: "v")
    case 2...5:
      name[0] | 0x20 == UInt8(ascii: "v")
        ? isWord(name, "vs") || isWord(name, "vd") || isWord(name, "val") || isWord(name, "value")
        : isWord(name, "text")
    default: false
    }
  }

  /// Without case. For each name of each message: nothing is made, no function called.
  @inline(__always)
  private static func isWord(_ name: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
    guard name.count == word.utf8CodeUnitCount else { return false }
    for index in 0..<name.count where name[index] | 0x20 != word.utf8Start[index] { return false }
    return true
  }

  // MARK: Places

  /// Behind the closing quote, or the payload's end.
  private func endOfString(_ start: Int) -> Int {
    var at = start + 1
    while at + 8 <= payload.count {
      let found = JSONRedactionScanner.ends(payload.loadUnaligned(fromByteOffset: at, as: UInt64.self).littleEndian)
      at += found
      guard found < 8 else { continue }
      if payload[at] == UInt8(ascii: "\"") { return at + 1 }
      at += 2
    }
    while at < payload.count {
      switch payload[at] {
      case UInt8(ascii: "\""): return at + 1
      case UInt8(ascii: "\\"): at += 2
      default: at += 1
      }
    }
    return payload.count
  }

  /// At which of eight bytes the first quote or backslash stands; 8 where none does.
  @inline(__always)
  private static func ends(_ bytes: UInt64) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quotes = bytes ^ ones &* UInt64(UInt8(ascii: "\""))
    let slashes = bytes ^ ones &* UInt64(UInt8(ascii: "\\"))
    // The lowest byte that is zero borrows, and its highest bit is set; above it others may be, too.
    let marks = ((quotes &- ones) & ~quotes | (slashes &- ones) & ~slashes) & (ones &* 0x80)
    return marks.trailingZeroBitCount / 8
  }

  private func skipSpace(_ start: Int) -> Int {
    var at = start
    while at < payload.count, payload[at] <= 0x20 { at += 1 }
    return at
  }

  private func endOfValue(_ start: Int) -> Int {
    guard start < payload.count else { return start }
    guard payload[start] == UInt8(ascii: "{") || payload[start] == UInt8(ascii: "[") else {
      return payload[start] == UInt8(ascii: "\"") ? endOfString(start) : endOfWord(start)
    }
    var open = 0
    var at = start
    while at < payload.count {
      switch payload[at] {
      case UInt8(ascii: "\""):
        at = endOfString(at)
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["): open += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        open -= 1
        if open == 0 { return at + 1 }
      default: break
      }
      at += 1
    }
    return payload.count
  }

  /// A number, or `true`, `false` or `null`.
  private func endOfWord(_ start: Int) -> Int {
    var at = start
    while at < payload.count, payload[at] > 0x20, !JSONRedactionScanner.endsWord(payload[at]) { at += 1 }
    return at
  }

  private static func endsWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ","),
      UInt8(ascii: ":"), UInt8(ascii: "\""):
      true
    default: false
    }
  }
}

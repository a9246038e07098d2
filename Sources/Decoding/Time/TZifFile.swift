/// The parts of a TZif file (RFC 8536) that offsets need.
struct TZifFile {
  private(set) var first: Int64 = 0
  private(set) var transitions: [Int64] = []
  private(set) var offsets: [Int64] = []
  private(set) var footerOffset: Int64?

  private struct Header {
    var version: UInt8
    var isUT, isStandard, leaps, transitions, types, characters: Int

    init?(_ bytes: ArraySlice<UInt8>) {
      guard bytes.count >= 44, bytes.starts(with: Array("TZif".utf8)) else { return nil }
      version = bytes[bytes.startIndex + 4]
      let counts = (0..<6).map { Int(TZifFile.integer(bytes, 20 + $0 * 4, 4)) }
      guard counts.allSatisfy({ (0..<10_000).contains($0) }), counts[4] > 0 else { return nil }
      (isUT, isStandard, leaps) = (counts[0], counts[1], counts[2])
      (transitions, types, characters) = (counts[3], counts[4], counts[5])
    }

    func size(timeBytes: Int) -> Int {
      44 + transitions * (timeBytes + 1) + types * 6 + characters + leaps * (timeBytes + 4) + isStandard + isUT
    }
  }

  /// `nil` where the bytes are no such file.
  init?(_ bytes: [UInt8]) {
    guard var header = Header(bytes[...]) else { return nil }
    var block = bytes[...]
    var timeBytes = 4
    if header.version >= UInt8(ascii: "2") {
      // The first block is for readers of 32 bits; the second says the same, and more, in 64.
      let skipped = header.size(timeBytes: 4)
      guard skipped <= bytes.count, let second = Header(bytes[skipped...]) else { return nil }
      header = second
      block = bytes[skipped...]
      timeBytes = 8
    }
    let size = header.size(timeBytes: timeBytes)
    guard size <= block.count else { return nil }
    let kinds = 44 + header.transitions * timeBytes
    let types = kinds + header.transitions
    func offset(_ type: Int) -> Int64? {
      type < header.types ? TZifFile.integer(block, types + type * 6, 4) : nil
    }
    for index in 0..<header.transitions {
      let kind = Int(block[block.startIndex + kinds + index])
      guard let east = offset(kind), abs(east) < 100_000 else { return nil }
      let time = TZifFile.integer(block, 44 + index * timeBytes, timeBytes)
      guard transitions.last.map({ $0 < time }) ?? true else { return nil }
      transitions.append(time)
      offsets.append(east)
    }
    guard let before = offset(0), abs(before) < 100_000 else { return nil }
    first = before
    if timeBytes == 8 {
      footerOffset = TZifFile.fixedOffset(footer: block.dropFirst(size))
    }
  }

  /// Big-endian, signed.
  private static func integer(_ bytes: ArraySlice<UInt8>, _ at: Int, _ count: Int) -> Int64 {
    var value: UInt64 = 0
    for byte in bytes[(bytes.startIndex + at)..<(bytes.startIndex + at + count)] { value = value << 8 | UInt64(byte) }
    let unused = UInt64(64 - count * 8)
    return Int64(bitPattern: value << unused) >> Int64(unused)
  }

  /// `\nWIB-7\n` is 7 hours east. `nil` where the footer is empty or has rules for summer time.
  private static func fixedOffset(footer: ArraySlice<UInt8>) -> Int64? {
    let text = footer.dropFirst().prefix { $0 != 0x0a }
    var rest = text[...]
    if rest.first == UInt8(ascii: "<") {
      guard let close = rest.firstIndex(of: UInt8(ascii: ">")) else { return nil }
      rest = rest[(close + 1)...]
    } else {
      rest = rest.drop { $0 | 0x20 >= UInt8(ascii: "a") && $0 | 0x20 <= UInt8(ascii: "z") }
    }
    guard let sign = rest.first else { return nil }
    // POSIX counts west of Greenwich as positive.
    let direction: Int64 = sign == UInt8(ascii: "-") ? 1 : -1
    if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { rest = rest.dropFirst() }
    let parts = rest.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard (1...3).contains(parts.count) else { return nil }
    var seconds: Int64 = 0
    for (part, unit) in zip(parts, [3600, 60, 1] as [Int64]) {
      guard (1...3).contains(part.count), part.allSatisfy({ $0 &- 48 < 10 }) else { return nil }
      seconds += part.reduce(0) { $0 * 10 + Int64($1 - 48) } * unit
    }
    return direction * seconds
  }
}

/// Writes a tape as `JSONValue` reads it.
final class TapeBuilder {
  private var words = UnsafeMutablePointer<UInt64>.allocate(capacity: 64)
  private var wordCapacity = 64
  private var wordCount = 0
  private var strings = UnsafeMutablePointer<UInt8>.allocate(capacity: 1024)
  private var stringCapacity = 1024
  private var stringCount = 0

  deinit {
    words.deallocate()
    strings.deallocate()
  }

  var root: JSONValue { JSONValue(tape: UnsafePointer(words), strings: UnsafePointer(strings), index: 1) }

  func begin() {
    wordCount = 0
    stringCount = 0
    word(0)
  }

  func text(_ bytes: some Collection<UInt8>) {
    word(UInt64(UInt8(ascii: "\"")) << 56 | UInt64(stringCount))
    let needed = stringCount + 4 + bytes.count
    if needed > stringCapacity {
      stringCapacity = max(needed, stringCapacity * 2)
      strings = TapeBuilder.grow(strings, used: stringCount, to: stringCapacity)
    }
    let length = UInt32(bytes.count)
    for shift in 0..<4 { append(UInt8(truncatingIfNeeded: length >> UInt32(8 * shift))) }
    for byte in bytes { append(byte) }
  }

  /// An object; `content` writes keys and values by turns.
  func object(_ content: () -> Void) { container("{", "}", content) }

  func array(_ content: () -> Void) { container("[", "]", content) }

  private func container(_ open: Unicode.Scalar, _ close: Unicode.Scalar, _ content: () -> Void) {
    let start = wordCount
    word(0)
    content()
    word(UInt64(UInt8(ascii: close)) << 56 | UInt64(start))
    words[start] = UInt64(UInt8(ascii: open)) << 56 | UInt64(wordCount)
  }

  private func append(_ byte: UInt8) {
    (strings + stringCount).initialize(to: byte)
    stringCount += 1
  }

  private func word(_ word: UInt64) {
    if wordCount == wordCapacity {
      wordCapacity *= 2
      words = TapeBuilder.grow(words, used: wordCount, to: wordCapacity)
    }
    (words + wordCount).initialize(to: word)
    wordCount += 1
  }

  private static func grow<T>(
    _ pointer: UnsafeMutablePointer<T>, used: Int, to capacity: Int
  ) -> UnsafeMutablePointer<T> {
    let grown = UnsafeMutablePointer<T>.allocate(capacity: capacity)
    grown.moveInitialize(from: pointer, count: used)
    pointer.deallocate()
    return grown
  }
}

/// A pattern with `*` (any run of characters, `/` included) and `?` (any one).
public struct Glob: Hashable, Sendable, CustomStringConvertible {
  public let description: String
  private let pattern: [UInt8]

  public init(_ text: String) {
    description = text
    pattern = Array(text.utf8)
  }

  /// Linear in the text's length times the number of stars: after a mismatch only the last star is tried again.
  public func matches(_ text: String) -> Bool {
    let text = Array(text.utf8)
    var p = 0
    var t = 0
    var star: (pattern: Int, text: Int)?
    while t < text.count {
      if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
        star = (p, t)
        p += 1
      } else if p < pattern.count, pattern[p] == UInt8(ascii: "?") {
        p += 1
        t += 1
        // The rest of a multi-byte character.
        while t < text.count, text[t] & 0xc0 == 0x80 { t += 1 }
      } else if p < pattern.count, pattern[p] == text[t] {
        p += 1
        t += 1
      } else if let last = star {
        p = last.pattern + 1
        t = last.text + 1
        star = (last.pattern, t)
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}

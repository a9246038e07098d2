/// The bearer tokens that may write. Several at a time, so that a token can be changed without a gap.
public struct Tokens: Sendable {
  private let tokens: [[UInt8]]

  /// - Parameter text: one token a line; empty lines and such that begin with `#` are passed over.
  ///
  /// `nil` where there is none in it.
  public init?(text: String) {
    tokens = text.split(whereSeparator: \.isNewline).map { line in
      var line = line.utf8[...]
      while let byte = line.first, byte == 0x20 || byte == 0x09 { line.removeFirst() }
      while let byte = line.last, byte == 0x20 || byte == 0x09 { line.removeLast() }
      return Array(line)
    }.filter { !$0.isEmpty && $0.first != UInt8(ascii: "#") }
    if tokens.isEmpty { return nil }
  }

  /// Whether an `Authorization` header bears one of them. The time that it takes tells nothing of how much is right.
  func admit(_ header: String?) -> Bool {
    guard let header else { return false }
    let parts = header.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "bearer" else { return false }
    let given = Array(parts[1].utf8)
    var isKnown = false
    for token in tokens where Tokens.areEqual(token, given) { isKnown = true }
    return isKnown
  }

  private static func areEqual(_ token: [UInt8], _ given: [UInt8]) -> Bool {
    var difference = token.count ^ given.count
    for index in given.indices { difference |= Int(given[index] ^ token[index % token.count]) }
    return difference == 0
  }
}

/// `SCHEME://HOST[:PORT][/PATH][?QUERY]`, taken apart as far as a configuration must know.
struct ServiceURL {
  let scheme: String
  let host: String
  let port: Int?
  let path: String
  let query: String?

  enum Fault: Error, Equatable {
    case noScheme
    /// A user's name or password stands before the host.
    case credentials
    case badHost
    case fragment
    case strayCharacter
  }

  init(_ text: String) throws(Fault) {
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { throw .strayCharacter }
    guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://"), colon > text.startIndex else {
      throw .noScheme
    }
    scheme = text[..<colon].lowercased()
    let rest = text[text.index(colon, offsetBy: 3)...]
    let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
    guard !rest[..<end].contains("@") else { throw .credentials }
    guard let authority = Authority(rest[..<end]), authority.port != 0 else { throw .badHost }
    guard !rest.contains("#") else { throw .fragment }
    host = authority.host
    port = authority.port
    let tail = rest[end...]
    let question = tail.firstIndex(of: "?")
    path = String(tail[..<(question ?? tail.endIndex)])
    query = question.map { String(tail[tail.index(after: $0)...]) }
  }
}

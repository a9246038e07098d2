import Telemetry

/// The bearer token, asked for now and then and never shown.
struct TokenCache {
  /// A file that was changed in place is noticed this late where nothing failed.
  private static let lifetime = Span.seconds(30)

  private let source: @Sendable () throws -> String?
  private var token: String?
  private var expires: Span?

  init(_ source: @escaping @Sendable () throws -> String?) { self.source = source }

  /// After a failure the next request asks anew.
  mutating func forget() { expires = nil }

  mutating func current(at now: Span) throws(TokenFault) -> String? {
    if let expires, now < expires { return token }
    do {
      token = try source()
    } catch {
      throw TokenFault(message: "\(error)")
    }
    if let token, token.isEmpty || !token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) {
      self.token = nil
      throw TokenFault(message: "the token is empty or holds a space, a line break or another character not allowed")
    }
    expires = Span(nanoseconds: now.nanoseconds + TokenCache.lifetime.nanoseconds)
    return token
  }

  /// `text` of a server, fit to be shown: short, on one line, and without the token, should the server repeat it.
  func shown(_ text: [UInt8]) -> String {
    var shown = String(decoding: text.prefix(2048), as: UTF8.self)
    if let token { while let range = shown.range(of: token) { shown.replaceSubrange(range, with: "***") } }
    let printable = shown.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? " " : Character($0) }
    return String(printable.prefix(160)).trimmed
  }
}

struct TokenFault: Error {
  let message: String
}

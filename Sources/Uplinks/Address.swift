/// Where an uplink posts to, taken from the configuration's URL. What may be secret stays out of `shown`.
struct Address: Equatable {
  /// `{url}/v1/batches`, as libcurl gets it.
  let batches: String
  /// `{url}/write?precision=ms` and what the URL's own query says.
  let write: String
  /// For people and logs: without user, password and query.
  let shown: String
  /// Without user and port.
  let host: String

  /// `nil` for anything that is no http or https URL.
  init?(_ url: String) {
    guard let scheme = url.range(of: "://"), url.utf8.count <= 2048, url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
    else { return nil }
    let name = url[..<scheme.lowerBound].lowercased()
    guard name == "http" || name == "https" else { return nil }
    let rest = url[scheme.upperBound...].prefix { $0 != "#" }
    var path = rest.prefix { $0 != "?" }
    let query = rest[path.endIndex...]
    while path.last == "/" { path.removeLast() }
    let authority = path.prefix { $0 != "/" }
    let place = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
    guard !place.isEmpty else { return nil }
    batches = "\(name)://\(path)/v1/batches\(query)"
    let own = query.dropFirst()
    write = "\(name)://\(path)/write?precision=ms\(own.isEmpty ? "" : "&\(own)")"
    shown = "\(name)://\(place)\(path[authority.endIndex...])"
    host = String(place.hasPrefix("[") ? place.prefix { $0 != "]" }.dropFirst() : place.prefix { $0 != ":" })
  }
}

extension StringProtocol {
  /// The first place where `text` stands.
  func range(of text: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }
}

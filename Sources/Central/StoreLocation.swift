/// Where the records are kept, as `--database` names it.
public enum StoreLocation: Sendable, Equatable {
  case sqlite(path: String)

  /// - Parameter url: `sqlite:FILE`.
  public init(_ url: String) throws(CentralError) {
    if url.hasPrefix("sqlite:") {
      var path = url.dropFirst("sqlite:".count)
      // sqlite:///var/lib/x.db is how others write sqlite:/var/lib/x.db.
      if path.hasPrefix("//") { path = path.dropFirst(2) }
      guard !path.isEmpty, path != ":memory:" else {
        throw .configuration("--database \(url) names no file; write sqlite:FILE, as sqlite:/var/lib/central.db")
      }
      self = .sqlite(path: String(path))
    } else if url.hasPrefix("postgres:") || url.hasPrefix("postgresql:") {
      throw .configuration("--database: PostgreSQL is not supported by this version; use sqlite:FILE")
    } else {
      throw .configuration("--database \(url) is no database that is known here; use sqlite:FILE")
    }
  }
}

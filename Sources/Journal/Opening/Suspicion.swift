/// The mark that a damaged page was met while the journal was in use: a small file beside it, so that the next opening
/// looks through the whole file. A journal that passes that look and is suspected again is condemned: whoever trusted
/// the look once more would start and fail for ever.
public struct Suspicion: Sendable {
  public enum Level: String, Sendable {
    case suspected
    /// Suspected once, and the closer look found nothing.
    case cleared
    case condemned
  }

  let path: String

  public init(journal: String) { path = journal + ".suspect" }

  /// `nil` where nothing was ever met.
  public var level: Level? {
    guard let bytes = FileSystem.contents(of: path, limit: 64) else { return nil }
    return Level(rawValue: String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self))
  }

  /// Whoever met a damaged page calls this; only the process that owns the store.
  public func raise() {
    switch level {
    case nil: set(.suspected)
    case .cleared: set(.condemned)
    case .suspected, .condemned: break
    }
  }

  func clear() { set(.cleared) }

  func forget() throws(FileError) { try FileSystem.remove(path) }

  /// Where even this can't be written the journal will be met as it is, and its damage again.
  private func set(_ level: Level) { try? FileSystem.write(level.rawValue + "\n", to: path) }
}

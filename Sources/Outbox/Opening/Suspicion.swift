import Glibc

/// The mark that SQLite met a damaged page while the outbox was in use: a small file, so that the next opening looks
/// closer. A database that passes the closer look and is suspected again is condemned, since whoever trusted the look
/// once more would start and fail for ever.
struct Suspicion {
  enum Level: String {
    case suspected
    /// Suspected once, and the closer look found nothing.
    case cleared
    case condemned
  }

  let path: String

  init(besides database: String) { path = database + ".suspect" }

  var level: Level? { SmallFile.read(path).flatMap { Level(rawValue: String($0.filter { !$0.isWhitespace })) } }

  func raise() {
    switch level {
    case nil: set(.suspected)
    case .cleared: set(.condemned)
    case .suspected, .condemned: break
    }
  }

  func clear() { set(.cleared) }
  func forget() { unlink(path) }

  /// Where even this can't be written the database will be met as it is, and its fault raised again.
  private func set(_ level: Level) { try? SmallFile.write(path, level.rawValue + "\n") }
}

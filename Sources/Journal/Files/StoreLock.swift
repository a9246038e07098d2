import Glibc

/// Keeps a second writer away, in this process or another, and remembers whether the last one stopped in order.
///
/// The file holds the word `clean` between an orderly stop and the next start. Anything else, its absence included,
/// means that the journal must be looked through.
final class StoreLock {
  private let descriptor: Int32
  private let path: String
  /// Whether the last writer stopped in order.
  let wasClean: Bool

  private static let clean: [UInt8] = Array("clean".utf8)

  init(journal: String) throws(JournalError) {
    path = journal + ".lock"
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw JournalError(FileError("opening", path), operation: "locking", path: journal)
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let refused = FileError("locking", path)
      close(descriptor)
      throw JournalError(kind: .busy, operation: "locking", path: journal, reason: refused.description)
    }
    let wasClean = FileSystem.contents(of: path, limit: 16) == StoreLock.clean
    // Until the next orderly stop. It must be on flash before the journal is written, or a power cut would bring the
    // word back.
    guard ftruncate(descriptor, 0) == 0, fsync(descriptor) == 0 else {
      let refused = FileError("writing", path)
      close(descriptor)
      throw JournalError(refused, operation: "locking", path: journal)
    }
    // Last: with nothing left to set, whatever throws would run `deinit`, and close a second time.
    self.wasClean = wasClean
  }

  /// The journal is whole and its log is empty. Failing to note it only costs a check at the next start.
  func markClean() {
    _ = StoreLock.clean.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    _ = fsync(descriptor)
  }

  deinit { close(descriptor) }
}

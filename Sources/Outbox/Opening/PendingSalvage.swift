import Glibc

/// The small file `outbox.db.salvage`: which damaged file is being set aside, and why. It is there from before the
/// renaming until what could be read of that file is in the new one, so that a power cut or a full disk in between costs
/// neither the batches that wait there nor the word about them.
struct PendingSalvage {
  let path: String
  private let folder: String

  init(besides database: String) {
    path = database + ".salvage"
    folder = SmallFile.folder(of: database)
  }

  /// Where the damaged file lies, and why it was set aside; `nil` where none waits.
  var waiting: (file: String, reason: String)? {
    guard let text = SmallFile.read(path) else { return nil }
    let lines = text.split(separator: "\n", maxSplits: 1).map(String.init)
    // The name alone, so that no other folder can be meant.
    guard lines.count == 2, !lines[0].contains("/") else { return nil }
    let file = folder + "/" + lines[0]
    return SmallFile.size(file) == nil ? nil : (file, lines[1].filter { $0 != "\n" })
  }

  func begin(_ file: String, reason: String) throws(OutboxError) {
    let name = file.split(separator: "/").last.map(String.init) ?? file
    let line = String(decoding: reason.utf8.prefix(400).map { $0 == 10 ? 32 : $0 }, as: UTF8.self)
    try SmallFile.write(path, "\(name)\n\(line)\n")
  }

  func end() { unlink(path) }
}

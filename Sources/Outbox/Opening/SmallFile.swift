import Glibc

/// Files of a line or two beside the database, written so that a power cut leaves the old text or the new.
enum SmallFile {
  /// `nil` where there is none, or it can't be read.
  static func read(_ path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    // What we write is far shorter; anything else isn't ours.
    var bytes = [UInt8](repeating: 0, count: 1024)
    let count = Glibc.read(file, &bytes, bytes.count)
    guard count >= 0 else { return nil }
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  static func write(_ path: String, _ text: String) throws(OutboxError) {
    let temporary = path + ".new"
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
    guard file >= 0 else { throw fault("writing", temporary) }
    let bytes = Array(text.utf8)
    let isWritten = Glibc.write(file, bytes, bytes.count) == bytes.count && fsync(file) == 0
    let fault = isWritten ? nil : SmallFile.fault("writing", temporary)
    close(file)
    if let fault {
      unlink(temporary)
      throw fault
    }
    guard Glibc.rename(temporary, path) == 0 else { throw SmallFile.fault("renaming", temporary) }
    try syncFolder(of: path)
  }

  /// Makes names that were given or taken away in the folder survive a power cut.
  static func syncFolder(of path: String) throws(OutboxError) {
    let folder = self.folder(of: path)
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw fault("opening", folder) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw fault("syncing", folder) }
  }

  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Bytes of the file; `nil` where there is none.
  static func size(_ path: String) -> Int? {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : nil
  }

  static func fault(_ operation: String, _ path: String) -> OutboxError {
    OutboxError(
      .file, operation: operation, path: path, message: String(cString: strerror(errno)),
      hint: "the folder must exist, belong to the user that runs this, and have space")
  }
}

import Glibc

/// A refusal of the operating system.
struct FileError: Error, CustomStringConvertible {
  let operation: String
  let path: String
  let code: Int32

  init(_ operation: String, _ path: String, code: Int32 = errno) {
    self.operation = operation
    self.path = path
    self.code = code
  }

  var kind: JournalError.Kind {
    switch code {
    case ENOSPC, EDQUOT: .full
    case EACCES, EPERM, ENOENT, EROFS, ENOTDIR: .access
    default: .io
    }
  }

  var description: String { "\(operation) \(path): \(String(cString: strerror(code)))" }
}

/// The few calls that the journal makes beside SQLite.
enum FileSystem {
  /// `nil` where there is no such file.
  static func size(of path: String) -> Int64? {
    var status = stat()
    return stat(path, &status) == 0 ? Int64(status.st_size) : nil
  }

  static func exists(_ path: String) -> Bool { size(of: path) != nil }

  /// The first `limit` bytes; `nil` where the file can't be read.
  static func contents(of path: String, limit: Int) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    // Once and no more: a log that is read whole would else be held twice while it grows.
    bytes.reserveCapacity(min(limit, Int(size(of: path) ?? 0)))
    var chunk = [UInt8](repeating: 0, count: min(limit, 1 << 20))
    while bytes.count < limit {
      let got = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, min($0.count, limit - bytes.count)) }
      guard got >= 0 else { return nil }
      if got == 0 { break }
      bytes.append(contentsOf: chunk[..<got])
    }
    return bytes
  }

  /// A file of a line, written so that a power cut leaves the old text or the new.
  static func write(_ text: String, to path: String) throws(FileError) {
    let draft = path + ".new"
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else { throw FileError("writing", draft) }
    let bytes = Array(text.utf8)
    let done = Glibc.write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
    let refused = FileError("writing", draft)
    close(descriptor)
    guard done else {
      unlink(draft)
      throw refused
    }
    try move(draft, to: path)
    try syncFolder(of: path)
  }

  static func move(_ path: String, to target: String) throws(FileError) {
    guard rename(path, target) == 0 else { throw FileError("renaming", path) }
  }

  /// Moves the file where it exists.
  static func moveIfThere(_ path: String, to target: String) throws(FileError) {
    if exists(path) { try move(path, to: target) }
  }

  static func remove(_ path: String) throws(FileError) {
    guard unlink(path) == 0 || errno == ENOENT else { throw FileError("deleting", path) }
  }

  /// Makes what was renamed, created and deleted in the file's folder survive a power cut.
  static func syncFolder(of path: String) throws(FileError) {
    let folder = folder(of: path)
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError("opening", folder) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw FileError("syncing", folder) }
  }

  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The paths in the same folder that start with `path` and are longer, in no order.
  static func paths(startingWith path: String) -> [String] {
    let folder = folder(of: path)
    let prefix = path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var found: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name.hasPrefix(prefix), name.utf8.count > prefix.utf8.count { found.append(folder + "/" + name) }
    }
    return found
  }
}

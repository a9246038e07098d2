import Glibc

/// The folder of both databases.
enum StoreFolder {
  /// Files whose bytes their owners count page by page: what a file keeps free is used again.
  private static let counted: Set<String> = ["journal.db", "journal.db-wal", "outbox.db"]

  /// What lies in the folder beside them: the outbox's log, the reserve. 0 where it can't be read.
  ///
  /// What was set aside as damaged doesn't count: it would take the room for good, and stop the reading.
  static func otherBytes(_ path: String) -> Int64 {
    guard let folder = opendir(path) else { return 0 }
    defer { closedir(folder) }
    var bytes: Int64 = 0
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      var status = stat()
      guard !counted.contains(name), !name.contains(".damaged-"), lstat("\(path)/\(name)", &status) == 0,
        status.st_mode & S_IFMT == S_IFREG
      else {
        continue
      }
      // The log has disk beyond its end.
      bytes += max(Int64(status.st_size), Int64(status.st_blocks) * 512)
    }
    return bytes
  }

  /// What is wrong with who may use the folder, and what helps; `nil` where nothing is.
  ///
  /// A folder that others may look into is no fault where the files in it are closed to them: whoever makes it
  /// beforehand makes it so. Those that the gateway makes are.
  static func exposure(_ path: String) -> String? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
    if status.st_mode & 0o002 != 0, status.st_mode & UInt32(S_ISVTX) == 0 {
      return "every user of this box may replace the store in \(path) (chmod o-rwx \(path))"
    }
    guard status.st_mode & 0o001 != 0, let folder = opendir(path) else { return nil }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      var file = stat()
      guard lstat("\(path)/\(name)", &file) == 0, file.st_mode & S_IFMT == S_IFREG, file.st_mode & 0o006 != 0 else {
        continue
      }
      return "every user of this box may use what is stored in \(path)/\(name) (chmod -R o-rwx \(path))"
    }
    return nil
  }

  /// Whether the file system is mounted read-only, by an administrator or by the kernel after an error.
  static func isReadOnly(_ path: String) -> Bool {
    var status = statvfs()
    return statvfs(path, &status) == 0 && status.f_flag & UInt(ST_RDONLY) != 0
  }

  /// Makes it where it isn't there, for its owner and group only. Its parent must exist. One that is there is refused
  /// where every user of the box may read what is stored in it, or put something else in its place.
  static func make(_ path: String) throws {
    if mkdir(path, 0o750) == 0 { return }
    if errno == EEXIST {
      guard let fault = exposure(path) else { return }
      throw GatewayError(.io, fault)
    }
    let reason = String(cString: strerror(errno))
    throw GatewayError(
      .io, "making the store's folder \(path): \(reason); set [store] path to a folder that this user may write to")
  }
}

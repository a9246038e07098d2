import Glibc
import Telemetry

/// Moves a damaged database out of the way, for someone to look at.
enum SetAside {
  /// Files kept; on a disk that damages one after the other they must not fill it.
  static let kept = 3

  /// Renames the database with its WAL.
  /// - Parameter target: from `freeName`.
  static func move(_ path: String, to target: String) throws(OutboxError) {
    guard rename(path, target) == 0 else { throw SmallFile.fault("setting aside", path) }
    // SQLite finds the log beside the file by its name; the shared memory is made anew.
    if SmallFile.size(path + "-wal") != nil { rename(path + "-wal", target + "-wal") }
    try settle(path)
  }

  /// Renames the WAL alone; returns where it lies now.
  static func moveLog(_ path: String) throws(OutboxError) -> String {
    let target = freeName(path, "log")
    guard rename(path + "-wal", target) == 0 else { throw SmallFile.fault("setting aside", path + "-wal") }
    try settle(path)
    return target
  }

  private static func settle(_ path: String) throws(OutboxError) {
    unlink(path + "-shm")
    try SmallFile.syncFolder(of: path)
    prune(path)
  }

  /// A name that says when and why, and that nothing has.
  static func freeName(_ path: String, _ reason: String) -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let stamp = RFC3339.format(Timestamp(nanoseconds: Int64(now.tv_sec) * 1_000_000_000))
      .filter { $0 != "-" && $0 != ":" }
    var target = "\(path).damaged-\(stamp)-\(reason)"
    var attempt = 1
    while SmallFile.size(target) != nil {
      attempt += 1
      target = "\(path).damaged-\(stamp)-\(reason)-\(attempt)"
    }
    return target
  }

  private static func prune(_ path: String) {
    let folder = SmallFile.folder(of: path)
    let prefix = (path.split(separator: "/").last.map(String.init) ?? path) + ".damaged-"
    guard let directory = opendir(folder) else { return }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name.hasPrefix(prefix), !name.hasSuffix("-wal"), !name.hasSuffix("-shm") { names.append(name) }
    }
    // The time is part of the name, so names sort by age.
    for name in names.sorted().dropLast(kept) {
      for suffix in ["", "-wal", "-shm"] { unlink("\(folder)/\(name)\(suffix)") }
    }
  }
}

import Glibc
import Telemetry

/// Notices that certificate files were changed in place.
struct FileStamps {
  private struct Stamp: Equatable {
    var inode: UInt
    var size: Int
    var seconds: Int
    var nanoseconds: Int
  }

  /// Asking the file system costs little, but not nothing, and nobody renews certificates every second.
  private static let interval = Span.seconds(5)

  private let paths: [String]
  private var stamps: [Stamp?]
  private var looked: Span?

  init(_ paths: [String?]) {
    self.paths = paths.compactMap(\.self)
    stamps = self.paths.map(FileStamps.stamp)
  }

  /// True once after each change.
  mutating func haveChanged(at now: Span) -> Bool {
    guard !paths.isEmpty else { return false }
    if let looked, now.nanoseconds - looked.nanoseconds < Self.interval.nanoseconds { return false }
    looked = now
    let present = paths.map(FileStamps.stamp)
    // A file that is being replaced may be gone for a moment: what was read before still holds.
    guard present != stamps, !present.contains(nil) else { return false }
    stamps = present
    return true
  }

  /// After a failure the files are looked at with the next try.
  mutating func lookSoon() { looked = nil }

  private static func stamp(_ path: String) -> Stamp? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return Stamp(
      inode: UInt(status.st_ino), size: Int(status.st_size), seconds: status.st_mtim.tv_sec,
      nanoseconds: status.st_mtim.tv_nsec)
  }
}

import CSQLite
import Glibc

/// The bytes of a database file, read through SQLite's layer for files, but without SQLite's understanding of them.
///
/// Not by `open` and `close`: when a process closes any descriptor of a file, it loses all of its locks on that file
/// (POSIX), those of connections that use it at that moment included, and nobody who writes is kept away any more
/// (https://www.sqlite.org/howtocorrupt.html, section 2.2). SQLite's layer knows all descriptors of a file, and closes
/// when the last lock is gone. One owner, on a thread that may block.
public final class RawFile {
  private let file: UnsafeMutablePointer<sqlite3_file>
  private let name: UnsafePointer<CChar>
  /// In bytes, when it was opened.
  public let size: Int

  /// `nil` where the file can't be opened.
  public init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0, let layer = sqlite3_vfs_find("unix"),
      let name = sqlite3_create_filename(path, "", "", 0, nil)
    else { return nil }
    let bytes = UnsafeMutableRawPointer.allocate(byteCount: Int(layer.pointee.szOsFile), alignment: 16)
    memset(bytes, 0, Int(layer.pointee.szOsFile))
    let file = bytes.assumingMemoryBound(to: sqlite3_file.self)
    let code = layer.pointee.xOpen(layer, name, file, SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB, nil)
    guard code == SQLITE_OK else {
      if let methods = file.pointee.pMethods { _ = methods.pointee.xClose(file) }
      bytes.deallocate()
      sqlite3_free_filename(name)
      return nil
    }
    self.file = file
    self.name = name
    size = Int(status.st_size)
  }

  deinit {
    if let methods = file.pointee.pMethods { _ = methods.pointee.xClose(file) }
    UnsafeMutableRawPointer(file).deallocate()
    sqlite3_free_filename(name)
  }

  /// So many bytes from there on, fewer at the file's end; `nil` where they can't be read.
  public func read(at offset: Int, count: Int) -> [UInt8]? {
    let there = max(0, min(count, size - offset))
    var isRead = there == 0
    let bytes = [UInt8](unsafeUninitializedCapacity: there) { buffer, initialised in
      guard there > 0, let methods = file.pointee.pMethods else { return }
      isRead = methods.pointee.xRead(file, buffer.baseAddress, Int32(there), Int64(offset)) == SQLITE_OK
      initialised = isRead ? there : 0
    }
    return isRead ? bytes : nil
  }
}

import Glibc

/// A database file, read page by page without SQLite. Pages count from 1, as in SQLite.
final class PageFile {
  private let descriptor: Int32
  let pageSize: Int
  /// Whole pages, and the part of one at the end.
  let count: Int

  /// `nil` where the file can't be opened.
  init?(path: String, pageSize: Int) {
    guard let size = FileSystem.size(of: path) else { return nil }
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    self.pageSize = pageSize
    count = Int((size + Int64(pageSize) - 1) / Int64(pageSize))
  }

  deinit { close(descriptor) }

  /// The page's bytes, fewer at the file's end; `nil` where it can't be read.
  func page(_ number: Int) -> [UInt8]? {
    guard number > 0, number <= count else { return nil }
    let offset = off_t(number - 1) * off_t(pageSize)
    var got = 0
    let page = [UInt8](unsafeUninitializedCapacity: pageSize) { buffer, initialised in
      got = pread(descriptor, buffer.baseAddress, buffer.count, offset)
      initialised = max(0, got)
    }
    return got > 0 ? page : nil
  }
}

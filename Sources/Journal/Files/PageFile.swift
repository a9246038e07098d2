import SQLite

/// A database file, read page by page without SQLite's understanding of it. Pages count from 1, as in SQLite.
final class PageFile {
  private let file: RawFile
  let pageSize: Int
  /// Whole pages, and the part of one at the end.
  let count: Int

  /// `nil` where the file can't be opened.
  init?(path: String, pageSize: Int) {
    guard let file = RawFile(path: path) else { return nil }
    self.file = file
    self.pageSize = pageSize
    count = (file.size + pageSize - 1) / pageSize
  }

  /// The page's bytes, fewer at the file's end; `nil` where it can't be read.
  func page(_ number: Int) -> [UInt8]? {
    guard number > 0, number <= count else { return nil }
    return file.read(at: (number - 1) * pageSize, count: pageSize)
  }
}

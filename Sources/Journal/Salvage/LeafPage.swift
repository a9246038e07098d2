/// A page of a table's rows, read without SQLite and without belief.
///
/// https://www.sqlite.org/fileformat2.html#b_tree_pages
struct LeafPage {
  /// A row's payload: what stands on the page itself, and the first of the pages on which it goes on.
  struct Cell {
    /// Of the row's bytes, the number of which is `length`.
    var local: ArraySlice<UInt8>
    var length: Int
    /// 0 where the row ends on its page.
    var overflow: Int
  }

  private let page: ArraySlice<UInt8>

  /// Rows of ours are one frame and a few numbers.
  private static let maximumRow = 2 * Segment.maximumByteCount

  /// `nil` where the page is another kind of page. The first page of a file holds the schema and is never one of ours.
  init?(_ page: ArraySlice<UInt8>) {
    guard page.count >= 512, page.first == 0x0d else { return nil }
    self.page = page
  }

  var cells: [Cell] {
    let count = min(number(3), (page.count - 8) / 2)
    return (0..<count).compactMap { cell(at: number(8 + 2 * $0)) }
  }

  private func number(_ offset: Int) -> Int {
    let at = page.startIndex + offset
    return Int(page[at]) << 8 | Int(page[at + 1])
  }

  private func cell(at offset: Int) -> Cell? {
    var at = page.startIndex + offset
    guard let length = varint(&at), varint(&at) != nil, length > 0, length <= LeafPage.maximumRow else { return nil }
    let size = Int(length)
    let local = LeafPage.localLength(of: size, usable: page.count)
    let end = at + local
    guard local == size else {
      guard end + 4 <= page.endIndex else { return nil }
      let next = page[end..<end + 4].reduce(0) { $0 << 8 | Int($1) }
      return Cell(local: page[at..<end], length: size, overflow: next)
    }
    guard end <= page.endIndex else { return nil }
    return Cell(local: page[at..<end], length: size, overflow: 0)
  }

  /// How much of a row SQLite keeps on the page; the rest goes to overflow pages, all of them full but the last.
  private static func localLength(of length: Int, usable: Int) -> Int {
    let most = usable - 35
    if length <= most { return length }
    let least = (usable - 12) * 32 / 255 - 23
    let even = least + (length - least) % (usable - 4)
    return even <= most ? even : least
  }

  /// SQLite's own: seven bits a byte, the highest first, nine bytes at most.
  private func varint(_ at: inout Int) -> Int64? {
    var value: UInt64 = 0
    for index in 0..<9 {
      guard at < page.endIndex else { return nil }
      let byte = page[at]
      at += 1
      if index == 8 { return Int64(bitPattern: value << 8 | UInt64(byte)) }
      value = value << 7 | UInt64(byte & 0x7f)
      if byte < 0x80 { break }
    }
    return Int64(bitPattern: value)
  }
}

/// The first hundred bytes of a SQLite file, as far as they tell whether it is a journal of ours.
///
/// https://www.sqlite.org/fileformat2.html#the_database_header
struct FileHeader {
  let pageSize: Int
  let userVersion: Int64
  let applicationID: Int64
  /// Whether the file has no table and no mark at all: a first start that was cut short.
  let isEmpty: Bool

  static let length = 100

  /// - Parameter page: The first page, as its latest commit left it.
  /// - Throws: A reason where it is no SQLite file, or says what no file of ours says.
  init(_ page: [UInt8]) throws(SegmentDamage) {
    func number(_ offset: Int, _ length: Int) -> Int64 {
      page[offset..<offset + length].reduce(0) { $0 << 8 | Int64($1) }
    }
    guard page.count >= FileHeader.length + 8 else { throw SegmentDamage("it is shorter than its header") }
    guard page.starts(with: Array("SQLite format 3\0".utf8)) else { throw SegmentDamage("it is no SQLite file") }
    guard let size = FileHeader.pageSize(number(16, 2)) else {
      throw SegmentDamage("its header has an impossible page size")
    }
    pageSize = size
    // Bytes that are the same in every file that SQLite makes without auto-vacuum, extensions or another encoding.
    let versions = 1...2
    guard versions.contains(Int(page[18])), versions.contains(Int(page[19])), page[20] == 0, page[21] == 64,
      page[22] == 32, page[23] == 32, (0...4).contains(number(44, 4)), number(52, 4) == 0,
      (0...1).contains(number(56, 4)), number(64, 4) == 0, page[72..<92].allSatisfy({ $0 == 0 })
    else { throw SegmentDamage("its header is damaged") }
    userVersion = number(60, 4)
    applicationID = number(68, 4)
    isEmpty =
      page[FileHeader.length] == 0x0d && number(FileHeader.length + 3, 2) == 0 && userVersion == 0 && applicationID == 0
  }

  /// From the two bytes of the header, where 1 stands for 65536; `nil` where there can be no such page.
  static func pageSize(_ field: Int64) -> Int? {
    let size = field == 1 ? 65_536 : Int(field)
    return (512...65_536).contains(size) && size & (size - 1) == 0 ? size : nil
  }
}

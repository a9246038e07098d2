/// The list of the file's free pages, read without SQLite.
///
/// A damaged one is the only damage that destroys what is sound: SQLite would write into pages that it wrongly names
/// free, long before anyone reads them.
/// https://www.sqlite.org/fileformat2.html#the_freelist
struct FreeList {
  let file: PageFile
  /// Its pages stand before the file's, as far as SQLite will take them up.
  let log: LogImage?

  /// So many trunk pages are looked at: 16,000 free pages of 1024 bytes, those that are used next.
  static let mostTrunks = 64

  private func page(_ number: Int) -> [UInt8]? { log?.newestPage(number).map(Array.init) ?? file.page(number) }

  /// Why it can't be right; `nil` where nothing speaks against it.
  var fault: String? {
    guard let header = page(1), header.count >= FileHeader.length else { return "the first page can't be read" }
    func number(_ page: [UInt8], _ offset: Int) -> Int {
      page[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    let pages = number(header, 28)
    let count = number(header, 36)
    var next = number(header, 32)
    var seen: Set<Int> = []
    var trunks = 0
    while next != 0, trunks < FreeList.mostTrunks {
      trunks += 1
      guard (2...max(2, pages)).contains(next), seen.insert(next).inserted, let trunk = page(next),
        trunk.count == file.pageSize
      else { return "the list of free pages leads to page \(next) of \(pages)" }
      let leaves = number(trunk, 4)
      guard leaves <= file.pageSize / 4 - 2 else { return "the list of free pages has \(leaves) of them on one page" }
      for index in 0..<leaves {
        let leaf = number(trunk, 8 + 4 * index)
        guard (2...max(2, pages)).contains(leaf), seen.insert(leaf).inserted else {
          return "the list of free pages names page \(leaf) of \(pages)"
        }
      }
      next = number(trunk, 0)
    }
    let isWhole = next == 0
    return seen.count > count || isWhole && seen.count != count
      ? "the list of free pages has \(seen.count), the header says \(count)" : nil
  }
}

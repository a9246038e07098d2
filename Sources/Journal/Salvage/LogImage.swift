/// A write-ahead log, read without SQLite: which pages it holds, and how far SQLite will believe it.
///
/// SQLite stops at the first frame whose checksum is wrong and silently forgets all that follow. After a power cut
/// that is right for the last, unfinished transaction; after damage in the middle, committed ones lie behind.
/// https://www.sqlite.org/fileformat2.html#the_write_ahead_log
struct LogImage {
  struct Frame {
    var page: Int
    /// Where the page's bytes start in the log.
    var offset: Int
    var commits: Bool
    var salts: UInt64
  }

  let bytes: [UInt8]
  let pageSize: Int
  let frames: [Frame]
  /// So many frames, counted from the first, SQLite will take up.
  let believed: Int
  /// What the frames of the log's last round bear.
  private let salts: UInt64?
  /// The last frame of each page, among those that SQLite will take up.
  private let newest: [Int: Int]

  static let headerLength = 32
  static let frameHeaderLength = 24
  /// A log only grows beyond a few mebibytes while a reader holds it. Larger ones are left to SQLite alone.
  static let maximumLength = 256 << 20

  /// `nil` where there is no log, or nothing in it.
  /// - Parameter fallbackPageSize: Used where the log's own header is damaged.
  /// - Parameter limit: A longer log is not looked at.
  init?(path: String, fallbackPageSize: Int, limit: Int = maximumLength) {
    guard let size = FileSystem.size(of: path), size > LogImage.headerLength, size <= limit,
      let bytes = FileSystem.contents(of: path, limit: LogImage.maximumLength)
    else { return nil }
    self.init(bytes: bytes, fallbackPageSize: fallbackPageSize)
  }

  init?(bytes: [UInt8], fallbackPageSize: Int) {
    guard bytes.count > LogImage.headerLength else { return nil }
    self.bytes = bytes
    let sum = bytes.withUnsafeBytes { LogChecksum(header: $0) }
    let claimed = bytes.withUnsafeBytes { Int(LogImage.number($0, 8)) }
    let size = FileHeader.pageSize(Int64(claimed == 65_536 ? 1 : claimed)) ?? fallbackPageSize
    pageSize = sum == nil ? fallbackPageSize : size
    (frames, believed) = bytes.withUnsafeBytes { [pageSize] in LogImage.read($0, pageSize: pageSize, sum: sum) }
    // What damaged the header may have damaged the first frame, too; a frame of page 0 there is none.
    salts = sum == nil ? frames.first { $0.page != 0 }?.salts : bytes.withUnsafeBytes { LogImage.salts($0) }
    var newest: [Int: Int] = [:]
    for index in 0..<believed { newest[frames[index].page] = index }
    self.newest = newest
  }

  private static func number(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
    UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// As the header names them.
  private static func salts(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    UInt64(number(bytes, 16)) << 32 | UInt64(number(bytes, 20))
  }

  private static func read(
    _ bytes: UnsafeRawBufferPointer, pageSize: Int, sum: LogChecksum?
  ) -> (frames: [Frame], believed: Int) {
    var frames: [Frame] = []
    var believed = 0
    var sum = sum
    let salts = salts(bytes)
    var start = headerLength
    while start + frameHeaderLength + pageSize <= bytes.count {
      let own = UInt64(number(bytes, start + 8)) << 32 | UInt64(number(bytes, start + 12))
      let frame = Frame(
        page: Int(number(bytes, start)), offset: start + frameHeaderLength, commits: number(bytes, start + 4) != 0,
        salts: own)
      frames.append(frame)
      sum?.add(UnsafeRawBufferPointer(rebasing: bytes[start..<start + 8]))
      sum?.add(UnsafeRawBufferPointer(rebasing: bytes[frame.offset..<frame.offset + pageSize]))
      if own != salts || frame.page == 0 || sum?.matches(number(bytes, start + 16), number(bytes, start + 20)) != true {
        sum = nil
      } else if frame.commits {
        believed = frames.count
      }
      start = frame.offset + pageSize
    }
    return (frames, believed)
  }

  /// The frames that SQLite will not take up although they belong to the log's last round: an unfinished transaction,
  /// or committed ones behind damage.
  var disbelieved: Int {
    frames[believed...].count { $0.salts == salts }
  }

  /// Whether committed transactions lie among them. Each was synced before the next began: a crash leaves one at most.
  var hidesCommitted: Bool {
    frames[believed...].count { $0.commits && $0.salts == salts } > 1
  }

  func page(of frame: Int) -> ArraySlice<UInt8> {
    bytes[frames[frame].offset..<frames[frame].offset + pageSize]
  }

  /// The page as SQLite will see it, where the log holds it.
  func newestPage(_ number: Int) -> ArraySlice<UInt8>? { newest[number].map { page(of: $0) } }

  /// The last frame of the transaction that this frame belongs to.
  func lastFrame(ofTransactionWith frame: Int) -> Int {
    frames[frame...].firstIndex { $0.commits } ?? frames.count - 1
  }
}

/// The log's running checksum over 32-bit words, in the byte order that its header names.
struct LogChecksum {
  private let bigEndian: Bool
  private var first: UInt32 = 0
  private var second: UInt32 = 0

  /// `nil` where the header is none, or its own checksum is wrong.
  init?(header: UnsafeRawBufferPointer) {
    func number(_ offset: Int) -> UInt32 {
      UInt32(bigEndian: header.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
    guard number(0) & ~1 == 0x377f_0682, number(4) == 3_007_000 else { return nil }
    bigEndian = number(0) & 1 == 1
    add(UnsafeRawBufferPointer(rebasing: header[..<24]))
    guard matches(number(24), number(28)) else { return nil }
  }

  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    var offset = 0
    while offset + 8 <= bytes.count {
      let a = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
      let b = bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
      first = first &+ (bigEndian ? UInt32(bigEndian: a) : UInt32(littleEndian: a)) &+ second
      second = second &+ (bigEndian ? UInt32(bigEndian: b) : UInt32(littleEndian: b)) &+ first
      offset += 8
    }
  }

  func matches(_ a: UInt32, _ b: UInt32) -> Bool { a == first && b == second }
}

import Glibc

/// Looks through a write-ahead log, without SQLite, for what SQLite will pass over.
///
/// SQLite believes a log up to the first frame whose checksum is wrong, and silently forgets what follows. After a
/// power cut that is the one transaction that was under way. Where more follows, or where what follows has reached the
/// database already and older pages would stand before it, the log is damaged.
/// https://www.sqlite.org/fileformat2.html#the_write_ahead_log
struct LogDamage {
  private let log: [UInt8]
  private let database: Int32
  private let pageSize: Int
  /// Of a page, without the checksum at its end; see `Database`.
  private let contentSize: Int
  private let isBigEndian: Bool

  private static let headerLength = 32
  private static let frameHeaderLength = 24
  /// A log grows beyond this only while a reader holds it. Larger ones are left to SQLite alone.
  private static let maximumLength = 24 << 20
  private static let reserved = 8
  /// Frames that are asked for their salts where the header is damaged: one that is damaged makes two that don't go on.
  private static let saltedFrames = 8

  enum Verdict {
    /// Nothing but what a power cut leaves.
    case nothing
    /// Opening the database would put older pages before what it has already. It needs nothing of the log.
    case isInDatabase
    /// Opening the database would undo commits.
    case undoesCommits
  }

  static func look(at path: String) -> Verdict {
    guard let log = bytes(of: path + "-wal") else { return .nothing }
    let database = open(path, O_RDONLY | O_CLOEXEC)
    guard database >= 0 else { return .nothing }
    defer { close(database) }
    return LogDamage(log: log, database: database)?.verdict ?? .nothing
  }

  /// Whether SQLite would find a commit in it.
  static func holdsCommits(_ path: String) -> Bool {
    if (SmallFile.size(path) ?? 0) > maximumLength { return true }
    return bytes(of: path).flatMap { LogDamage(log: $0, database: -1) }.map { $0.frames.believed > 0 } ?? false
  }

  /// `nil` where there is none, or it is empty, can't be read or is left to SQLite.
  private static func bytes(of path: String) -> [UInt8]? {
    guard let size = SmallFile.size(path), size > headerLength, size <= maximumLength else { return nil }
    let log = open(path, O_RDONLY | O_CLOEXEC)
    guard log >= 0 else { return nil }
    defer { close(log) }
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      count = max(0, pread(log, buffer.baseAddress, size, 0))
    }
  }

  private init?(log: [UInt8], database: Int32) {
    guard log.count > LogDamage.headerLength else { return nil }
    self.log = log
    self.database = database
    isBigEndian = log[3] & 1 == 1
    // A header that names no page size is damaged; the outbox's pages have SQLite's own.
    let named = Int(LogDamage.word(log, 8))
    pageSize = (512...65_536).contains(named) && named & (named - 1) == 0 ? named : 4096
    contentSize = pageSize - LogDamage.reserved
  }

  private struct Frame {
    var page: Int
    /// Where the page's bytes start in the log.
    var content: Int
    var isSound: Bool
    /// By its own word, sound or not.
    var commits: Bool
  }

  /// The frames of the log's last round, and how many of them SQLite believes to be whole.
  private var frames: (all: [Frame], believed: Int, hasHeader: Bool) {
    let starts = stride(
      from: LogDamage.headerLength, through: log.count - LogDamage.frameHeaderLength - pageSize,
      by: LogDamage.frameHeaderLength + pageSize)
    guard let first = starts.first(where: { _ in true }) else { return ([], 0, true) }
    let stored = Sums(first: big(24), second: big(28))
    let computed = sums(0..<24, Sums(first: 0, second: 0))
    let hasHeader = computed == stored && big(0) & ~1 == 0x377f_0682
    let salts = hasHeader ? (big(16), big(20)) : salts(ofFramesAt: Array(starts.prefix(LogDamage.saltedFrames)))
    var before = hasHeader ? stored : computed
    var frames: [Frame] = []
    var believed = hasHeader ? 0 : nil as Int?
    var stopped: Int?
    for start in starts {
      let own = sums(storedAt: start)
      let page = Int(big(start))
      let isOurs = (big(start + 8), big(start + 12)) == salts
      let isSound =
        isOurs && page != 0 && (continues(before, start) == own || start == first && continues(stored, start) == own)
      before = own
      frames.append(
        Frame(
          page: page, content: start + LogDamage.frameHeaderLength, isSound: isSound,
          commits: isOurs && big(start + 4) != 0))
      if !isSound, stopped == nil { stopped = frames.count - 1 }
      if isSound, stopped == nil, believed != nil, frames.last?.commits == true { believed = frames.count }
    }
    return (frames, believed ?? 0, hasHeader)
  }

  /// Where the header does not tell: those of the first frame that goes on from the one before it. What damaged the
  /// header may have damaged the first frame, too.
  private func salts(ofFramesAt starts: [Int]) -> (UInt32, UInt32) {
    for (before, start) in zip(starts, starts.dropFirst()) {
      if continues(sums(storedAt: before), start) == sums(storedAt: start) { return (big(start + 8), big(start + 12)) }
    }
    return starts.first.map { (big($0 + 8), big($0 + 12)) } ?? (0, 0)
  }

  private var verdict: Verdict {
    let (frames, believed, hasHeader) = frames
    let forgotten = frames[believed...]
    guard let end = forgotten.lastIndex(where: { $0.isSound && $0.commits }) else { return .nothing }
    var newest: [Int: Int] = [:]
    for index in believed...end where frames[index].isSound { newest[frames[index].page] = index }
    var standsBefore: [Int: Int] = [:]
    for index in 0..<believed { standsBefore[frames[index].page] = index }
    var isMissing = false
    var isUndone = false
    for (page, index) in newest {
      if isInDatabase(frames[index]) {
        if let older = standsBefore[page], !isSame(frames[older], frames[index]) { isUndone = true }
      } else {
        isMissing = true
      }
    }
    // Only a checkpoint brings pages into the database, and only after their commit.
    guard isMissing else { return isUndone ? .isInDatabase : .nothing }
    // A power cut leaves one transaction unfinished, which may have brought its last frame to the disk and not its
    // first. The next is written only once that one is there for good.
    let commits = frames[believed...end].count { $0.commits }
    return commits > (hasHeader ? 1 : 0) ? .undoesCommits : .nothing
  }

  private func isInDatabase(_ frame: Frame) -> Bool {
    var there = [UInt8](repeating: 0, count: contentSize)
    guard pread(database, &there, contentSize, off_t((frame.page - 1) * pageSize)) == contentSize else { return false }
    return there[...] == log[frame.content..<frame.content + contentSize]
  }

  private func isSame(_ one: Frame, _ other: Frame) -> Bool {
    log[one.content..<one.content + contentSize] == log[other.content..<other.content + contentSize]
  }

  // MARK: Checksums

  private struct Sums: Equatable {
    var first: UInt32
    var second: UInt32
  }

  /// In a frame's header.
  private func sums(storedAt start: Int) -> Sums { Sums(first: big(start + 16), second: big(start + 20)) }

  private func continues(_ before: Sums, _ start: Int) -> Sums {
    let page = start + LogDamage.frameHeaderLength
    return sums(page..<page + pageSize, sums(start..<start + 8, before))
  }

  private func sums(_ range: Range<Int>, _ before: Sums) -> Sums {
    var sums = before
    log.withUnsafeBytes { bytes in
      for at in stride(from: range.lowerBound, to: range.upperBound, by: 8) {
        let one = bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)
        let two = bytes.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self)
        sums.first = sums.first &+ (isBigEndian ? one.bigEndian : one) &+ sums.second
        sums.second = sums.second &+ (isBigEndian ? two.bigEndian : two) &+ sums.first
      }
    }
    return sums
  }

  private func big(_ at: Int) -> UInt32 { LogDamage.word(log, at) }

  private static func word(_ bytes: [UInt8], _ at: Int) -> UInt32 {
    bytes[at..<at + 4].reduce(0) { $0 << 8 | UInt32($1) }
  }
}

/// One place where a file's bytes are not what was written.
struct Flip {
  enum Kind { case bit, byte, block }

  /// Of a disk.
  private static let block = 512

  let file: String
  let kind: Kind
  let offset: Int
  private let mask: UInt8

  /// Whether it touches the last transaction of a log, or lies behind: a power cut may leave it so, and nothing tells
  /// the two apart.
  let isAsAfterPowerCut: Bool

  var name: String { "\(file) at \(offset), \(kind)" }

  /// Every file is hit as often as any other, whatever its size.
  init(files: [(name: String, bytes: [UInt8])], _ random: inout Seeded) {
    let targets = files.filter { !$0.bytes.isEmpty && ($0.name.hasSuffix(".db") || $0.name.hasSuffix("-wal")) }
    let target = targets[Int.random(in: 0..<targets.count, using: &random)]
    file = target.name
    var at = Int.random(in: 0..<target.bytes.count, using: &random)
    switch Int.random(in: 0..<20, using: &random) {
    case ..<12:
      kind = .bit
      mask = 1 << UInt8.random(in: 0..<8, using: &random)
    case ..<17:
      kind = .byte
      mask = UInt8.random(in: 1...255, using: &random)
    default:
      kind = .block
      mask = 0
      at -= at % Flip.block
    }
    offset = at
    let end = kind == .block ? at + Flip.block : at + 1
    isAsAfterPowerCut = file.hasSuffix("-wal") && end > Flip.lastTransaction(target.bytes)
  }

  /// Where in a log its last transaction begins.
  private static func lastTransaction(_ log: [UInt8]) -> Int {
    func number(_ at: Int) -> Int { log[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
    let frame = 24 + number(8)
    let commits = stride(from: 32, through: log.count - frame, by: frame).filter { start in
      log[start + 8..<start + 16] == log[16..<24] && number(start + 4) != 0
    }
    return commits.count > 1 ? commits[commits.count - 2] + frame : 32
  }

  func damage(_ bytes: inout [UInt8]) {
    switch kind {
    case .bit, .byte: bytes[offset] ^= mask
    case .block: for at in offset..<min(offset + Flip.block, bytes.count) { bytes[at] = 0 }
    }
  }
}

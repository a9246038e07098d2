import Telemetry

/// Packs records into batches of 16 KiB compressed at most, aiming a little below.
///
/// Each try costs a compression, so the count is guessed from how well the last batches of the lane compressed, and
/// only a guess that was too bold is made again, smaller.
struct Packer {
  struct Packed: Equatable {
    let first: Int64
    let last: Int64
    let body: [UInt8]
  }

  /// The contract's limit.
  static let limit = 16 << 10
  /// Aimed at, so that most guesses hold: our records' ratio wanders by a few per cent from batch to batch.
  static let goal = 15 << 10
  /// What a batch expands to at most (a lone record aside), since receivers bound what they expand.
  static let expandedLimit = 1 << 20

  let encoding: UplinkDefinition.Compression
  /// Compressed to plain bytes. A batch of summaries comes to about 0.12.
  private var ratios: [Lane: Double] = [:]

  init(encoding: UplinkDefinition.Compression) { self.encoding = encoding }

  /// As many of the first records as a batch holds, numbered from `seq` on. One batch at a time: a window of fifty
  /// thousand devices has a thousand of them.
  ///
  /// - Parameter records: not empty.
  mutating func pack(
    _ records: ArraySlice<[UInt8]>, _ era: Era, _ lane: Lane, from seq: Int64
  ) throws(OutboxError) -> Packed {
    var count = guess(records, lane)
    var lines: [[UInt8]] = []
    lines.reserveCapacity(count)
    for record in records.prefix(count) { lines.append(BatchBody.numbered(record, seq + Int64(lines.count))) }
    while true {
      let last = seq + Int64(count) - 1
      let plain = BatchBody.make(era, lane, first: seq, last: last, lines: lines[..<count])
      let body = try Codec.compress(plain, encoding)
      learn(body.count, plain.count, lane)
      if body.count <= Packer.limit || count == 1 { return Packed(first: seq, last: last, body: body) }
      count = max(1, min(count - 1, count * Packer.goal / body.count))
    }
  }

  /// `{"seq":` and the largest number with its comma, of which a record loses its own brace.
  private static let longestNumber = 27

  private func guess(_ records: ArraySlice<[UInt8]>, _ lane: Lane) -> Int {
    let budget = min(Packer.expandedLimit, Int(Double(Packer.goal) / (ratios[lane] ?? 0.12)))
    var bytes = 0
    var count = 0
    for record in records {
      bytes += record.count + Packer.longestNumber + BatchBody.separator.count
      if bytes > budget { break }
      count += 1
    }
    return max(1, count)
  }

  private mutating func learn(_ compressed: Int, _ plain: Int, _ lane: Lane) {
    // Short batches compress badly for want of repetition and would teach too little courage.
    guard plain > 8 << 10 else { return }
    let ratio = max(0.005, Double(compressed) / Double(plain))
    ratios[lane] = ratios[lane].map { $0 * 0.5 + ratio * 0.5 } ?? ratio
  }
}

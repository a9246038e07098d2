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

  mutating func pack(_ records: [[UInt8]], _ era: Era, _ lane: Lane, from seq: Int64) throws(OutboxError) -> [Packed] {
    var lines: [[UInt8]] = []
    lines.reserveCapacity(records.count)
    for (index, record) in records.enumerated() { lines.append(BatchBody.numbered(record, seq + Int64(index))) }
    var packed: [Packed] = []
    var start = 0
    while start < lines.count {
      var count = guess(lines[start...], lane)
      while true {
        let first = seq + Int64(start)
        let last = first + Int64(count) - 1
        let plain = BatchBody.make(era, lane, first: first, last: last, lines: lines[start..<start + count])
        let body = try Codec.compress(plain, encoding)
        learn(body.count, plain.count, lane)
        if body.count <= Packer.limit || count == 1 {
          packed.append(Packed(first: first, last: last, body: body))
          break
        }
        count = max(1, min(count - 1, count * Packer.goal / body.count))
      }
      start += count
    }
    return packed
  }

  private func guess(_ lines: ArraySlice<[UInt8]>, _ lane: Lane) -> Int {
    let budget = min(Packer.expandedLimit, Int(Double(Packer.goal) / (ratios[lane] ?? 0.12)))
    var bytes = 0
    var count = 0
    for line in lines {
      bytes += line.count + BatchBody.separator.count
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

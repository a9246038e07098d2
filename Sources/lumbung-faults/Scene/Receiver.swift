import Outbox
import Telemetry

/// An independent receiver: it believes nothing of what the outbox says of itself, and holds what it was sent.
struct Receiver: Sendable {
  struct Key: Hashable, Sendable {
    var generation: Int
    var lane: Lane
    var seq: Int64
  }

  private(set) var records: [Key: [UInt8]] = [:]
  /// Ranges that are accounted for as dropped.
  private(set) var accounted: [Key: Int64] = [:]
  private(set) var settled: Set<Key> = []
  /// Numbers that came with two contents, and bodies that are none.
  private(set) var contradictions: [String] = []
  /// What came again although the outbox had said that it was marked.
  private(set) var repeats: [String] = []

  var faults: [String] { contradictions + repeats }

  private static let seqField = Array("{\"seq\":".utf8)
  private static let throughField = Array("\"through\":".utf8)
  private static let droppedType = Array("\"type\":\"dropped\"".utf8)

  /// What was handed out, and so may have been sent.
  mutating func receive(_ batch: Batch) {
    guard let json = try? batch.json() else {
      contradictions.append("batch \(batch.idempotencyKey) can't be unpacked")
      return
    }
    let generation = Receiver.generation(json)
    for line in json.split(separator: 0x0a) where line.starts(with: Receiver.seqField) {
      let record = Array(line.last == UInt8(ascii: ",") ? line.dropLast() : line)
      guard let seq = Receiver.number(record, after: Receiver.seqField) else { continue }
      let key = Key(generation: generation, lane: batch.lane, seq: seq)
      if let known = records[key] {
        if known != record { contradictions.append("\(batch.lane.rawValue) \(seq) came with two contents") }
        if settled.contains(key) { repeats.append("\(batch.lane.rawValue) \(seq) came again after it was marked") }
      }
      records[key] = record
      if Bytes.contains(record, Receiver.droppedType) {
        accounted[key] = Receiver.number(record, after: Receiver.throughField) ?? seq
      }
    }
  }

  /// The outbox has returned from marking this.
  mutating func settle(_ batch: Batch) {
    guard let json = try? batch.json() else { return }
    let generation = Receiver.generation(json)
    for key in records.keys
    where key.generation == generation && key.lane == batch.lane && (batch.first...batch.last).contains(key.seq) {
      settled.insert(key)
    }
  }

  /// How many messages a window's record counts.
  static func received(_ record: [UInt8]) -> Int64 { number(record, after: Array("\"received\":".utf8)) ?? 0 }

  private static func generation(_ json: [UInt8]) -> Int {
    Int(number(Array(json.prefix(200)), after: Array("\"generation\":".utf8)) ?? 0)
  }

  private static func number(_ bytes: [UInt8], after field: [UInt8]) -> Int64? {
    guard var at = Bytes.index(bytes, field).map({ $0 + field.count }) else { return nil }
    var value: Int64?
    while at < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[at]) {
      value = (value ?? 0) &* 10 &+ Int64(bytes[at] - UInt8(ascii: "0"))
      at += 1
    }
    return value
  }

  // MARK: What it makes of it

  /// Numbers that are neither there nor accounted for, below the highest of their lane.
  var holes: [String] {
    var holes: [String] = []
    let lanes = Set(records.keys.map { Key(generation: $0.generation, lane: $0.lane, seq: 0) })
    for lane in lanes {
      var expected: Int64 = 1
      let seqs = records.keys.filter { $0.generation == lane.generation && $0.lane == lane.lane }.sorted {
        $0.seq < $1.seq
      }
      for key in seqs {
        if key.seq > expected { holes.append("\(lane.lane.rawValue) \(expected) to \(key.seq - 1) never came") }
        expected = max(expected, (accounted[key] ?? key.seq) + 1)
      }
    }
    return holes
  }

  /// Records of windows and alarms that were dropped, each accounted for.
  var droppedSummaries: Int64 {
    accounted.filter { $0.key.lane == .summary || $0.key.lane == .backfill }
      .reduce(0) { $0 + $1.value - $1.key.seq + 1 }
  }

  /// The last word on each window and each alarm transition: its record without number and revision.
  func outcome() -> [String: [UInt8]] {
    var last: [String: [UInt8]] = [:]
    let ordered = records.filter { accounted[$0.key] == nil && $0.key.lane != .status }
      .sorted { ($0.key.generation, $0.key.seq) < ($1.key.generation, $1.key.seq) }
    for (_, record) in ordered {
      guard let name = Receiver.name(of: record) else { continue }
      last[name] = Bytes.without(Bytes.without(record, "\"seq\":"), "\"revision\":")
    }
    return last
  }

  private static func name(of record: [UInt8]) -> String? {
    if let alarm = Bytes.text(record, after: "\"id\":\"") {
      return "alarm \(alarm) \(Bytes.text(record, after: "\"transition\":\"") ?? "")"
    }
    guard let device = Bytes.text(record, after: "\"device\":\""), let start = Bytes.text(record, after: "\"start\":\"")
    else { return nil }
    return "window \(device) \(start)"
  }
}

/// Searching in bytes.
enum Bytes {
  static func index(_ bytes: [UInt8], _ part: [UInt8]) -> Int? {
    guard let first = part.first, bytes.count >= part.count else { return nil }
    var at = 0
    while at <= bytes.count - part.count {
      if bytes[at] == first, bytes[at..<at + part.count].elementsEqual(part) { return at }
      at += 1
    }
    return nil
  }

  static func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool { index(bytes, part) != nil }

  /// Up to the next quotation mark.
  static func text(_ bytes: [UInt8], after field: String) -> String? {
    guard let start = index(bytes, Array(field.utf8)).map({ $0 + field.utf8.count }) else { return nil }
    return String(decoding: bytes[start...].prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
  }

  /// Without a field that holds a number, and the comma after it.
  static func without(_ bytes: [UInt8], _ field: String) -> [UInt8] {
    guard let start = index(bytes, Array(field.utf8)),
      let comma = bytes[start...].firstIndex(of: UInt8(ascii: ","))
    else { return bytes }
    return Array(bytes[..<start]) + bytes[(comma + 1)...]
  }
}

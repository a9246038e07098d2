import Outbox
import Telemetry

/// An independent receiver: it believes nothing of what the outbox says of itself, and holds what it was sent.
struct Receiver: Sendable {
  struct Key: Hashable, Sendable {
    var epoch: String
    var generation: Int
    var lane: Lane
    var seq: Int64

    /// What counts without holes.
    var numbering: Key { Key(epoch: epoch, generation: generation, lane: lane, seq: 0) }
  }

  private(set) var records: [Key: [UInt8]] = [:]
  /// Ranges that are accounted for as dropped.
  private(set) var accounted: [Key: Int64] = [:]
  private(set) var settled: Set<Key> = []
  /// Lone records that it has refused for good.
  private(set) var refused: Set<Key> = []
  /// Of numberings that are older than the run, by `seq` 0: the last number that others had got before.
  let begun: [Key: Int64]
  /// Numbers that came with two contents, and bodies that are none.
  private(set) var contradictions: [String] = []
  /// What came again although the outbox had said that it was marked.
  private(set) var repeats: [String] = []

  var faults: [String] { contradictions + repeats }

  private static let seqField = Array("{\"seq\":".utf8)
  private static let throughField = Array("\"through\":".utf8)
  private static let droppedType = Array("\"type\":\"dropped\"".utf8)

  init(begun: [Key: Int64] = [:]) { self.begun = begun }

  /// What was handed out, and so may have been sent.
  mutating func receive(_ batch: Batch) {
    guard let json = try? batch.json() else {
      contradictions.append("batch \(batch.idempotencyKey) can't be unpacked")
      return
    }
    let numbering = Receiver.numbering(json, batch.lane)
    for line in json.split(separator: 0x0a) where line.starts(with: Receiver.seqField) {
      let record = Array(line.last == UInt8(ascii: ",") ? line.dropLast() : line)
      guard let seq = Receiver.number(record, after: Receiver.seqField) else { continue }
      var key = numbering
      key.seq = seq
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
    let numbering = Receiver.numbering(json, batch.lane)
    for key in records.keys where key.numbering == numbering && (batch.first...batch.last).contains(key.seq) {
      settled.insert(key)
    }
  }

  /// This is the last word on it: the outbox must tell of it.
  mutating func refuse(_ batch: Batch) {
    guard let json = try? batch.json() else { return }
    var key = Receiver.numbering(json, batch.lane)
    key.seq = batch.first
    refused.insert(key)
  }

  /// How many messages a window's record counts.
  static func received(_ record: [UInt8]) -> Int64 { number(record, after: Array("\"received\":".utf8)) ?? 0 }

  private static func numbering(_ json: [UInt8], _ lane: Lane) -> Key {
    let front = Array(json.prefix(200))
    let generation = Int(number(front, after: Array("\"generation\":".utf8)) ?? 0)
    return Key(epoch: Bytes.text(front, after: "\"epoch\":\"") ?? "", generation: generation, lane: lane, seq: 0)
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
    for numbering in Set(records.keys.map(\.numbering)) {
      var expected = (begun[numbering] ?? 0) + 1
      let keys = records.keys.filter { $0.numbering == numbering }.sorted { $0.seq < $1.seq }
      for key in keys {
        if key.seq > expected { holes.append("\(key.lane.rawValue) \(expected) to \(key.seq - 1) never came") }
        expected = max(expected, (accounted[key] ?? key.seq) + 1)
      }
    }
    return holes
  }

  /// Records that it has refused, and of which no record of the status lane tells.
  var untold: [String] {
    let told = records.filter { $0.key.lane == .status }.compactMap { _, record in
      Bytes.text(record, after: "\"type\":\"refused\"") == nil
        ? nil : Receiver.number(record, after: Array("\"refused\":".utf8))
    }
    let untold = refused.filter { key in
      // A notice that is refused itself is told by nothing more.
      Bytes.text(records[key] ?? [], after: "\"type\":\"refused\"") == nil && !told.contains(key.seq)
    }
    guard untold.count > dropped([.status]) else { return [] }
    return untold.map { "\($0.lane.rawValue) \($0.seq) was refused, and nothing tells of it" }
  }

  /// Records of windows and alarms that were dropped, each accounted for.
  var droppedSummaries: Int64 { dropped([.summary, .backfill]) }

  private func dropped(_ lanes: Set<Lane>) -> Int64 {
    accounted.filter { lanes.contains($0.key.lane) }.reduce(0) { $0 + $1.value - $1.key.seq + 1 }
  }

  /// What an earlier program left to be sent, by what comes of a run that nothing interrupts, and has not come.
  func missing(ofEarlier outcome: [String: [UInt8]]) -> [String] {
    guard !begun.isEmpty else { return [] }
    let result = self.outcome()
    let missing = outcome.filter { $0.key.hasPrefix(Receiver.earlier) && result[$0.key] != $0.value }
    return missing.count > droppedSummaries ? missing.keys.map { "\($0) never came" } : []
  }

  /// The last word on each window and each alarm transition: its record without number and revision.
  func outcome() -> [String: [UInt8]] {
    var last: [String: [UInt8]] = [:]
    let ordered = records.filter { accounted[$0.key] == nil && $0.key.lane != .status }
      .sorted { ($0.key.generation, $0.key.seq) < ($1.key.generation, $1.key.seq) }
    for (key, record) in ordered {
      let isEarlier = begun.keys.contains { $0.epoch == key.epoch }
      guard
        let name = Receiver.name(of: record)
          ?? (isEarlier ? "\(Receiver.earlier)\(key.lane.rawValue) \(key.seq)" : nil)
      else { continue }
      last[name] = Bytes.without(Bytes.without(record, "\"seq\":"), "\"revision\":")
    }
    return last
  }

  private static let earlier = "earlier "

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

import Glibc
import Telemetry

@testable import Outbox

/// A folder that goes away with its owner.
final class Folder {
  let path: String

  init() {
    var template = Array("/tmp/lumbung-outbox-XXXXXX".utf8CString)
    path = String(cString: mkdtemp(&template))
  }

  deinit {
    for name in names { unlink("\(path)/\(name)") }
    rmdir(path)
  }

  var names: [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  var database: String { path + "/outbox.db" }

  func open(
    _ destinations: [Outbox.Destination] = [.init(name: "central")], gateway: String = "gw", epoch: String = "e1",
    extraSchema: [String] = [], synchronous: String = "FULL"
  ) throws -> Outbox {
    try Outbox(
      .init(
        path: database, gateway: gateway, epoch: epoch, destinations: destinations, extraSchema: extraSchema,
        synchronous: synchronous))
  }

  func write(_ name: String, _ bytes: [UInt8], at offset: Int = 0, truncate: Bool = false) {
    let file = Glibc.open("\(path)/\(name)", O_WRONLY | O_CREAT | (truncate ? O_TRUNC : 0), 0o600)
    pwrite(file, bytes, bytes.count, offset)
    close(file)
  }
}

/// The same numbers for the same seed, for ever.
struct Dice: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }
}

/// A record of about the size of a small summary, which compresses as those do.
func record(_ number: Int, padding: Int = 0) -> [UInt8] {
  var dice = Dice(UInt64(number))
  var text = "{\"type\":\"summary\",\"device\":\"site\(number % 97)/cam-\(number % 13)\",\"n\":\(number)"
  let mean = Double(dice.next() % 3000) / 100
  text += ",\"metrics\":{\"camera.fps\":{\"kind\":\"gauge\",\"unit\":\"1/s\",\"mean\":\(mean)}}"
  var bytes = Array(text.utf8)
  if padding > 0 {
    bytes += Array(",\"noise\":\"".utf8)
    for _ in 0..<padding / 8 {
      let roll = dice.next()
      for shift in 0..<8 { bytes.append(UInt8(ascii: "a") + UInt8(roll >> (shift * 8) & 15)) }
    }
    bytes.append(UInt8(ascii: "\""))
  }
  bytes.append(UInt8(ascii: "}"))
  return bytes
}

extension Outbox {
  func append(_ lane: Lane, _ numbers: some Sequence<Int>, padding: Int = 0) throws {
    try transaction { transaction in
      for number in numbers { transaction.append(lane, record(number, padding: padding)) }
    }
  }

  /// Takes and delivers all that is pending; returns the lines of records, in order.
  @discardableResult
  func drain(_ lane: Lane) throws -> [String] { try drain("central", lane) }

  @discardableResult
  func drain(_ destination: String, _ lane: Lane) throws -> [String] {
    var lines: [String] = []
    while true {
      let batches = try nextBatches(for: destination, lane: lane, limit: 32)
      if batches.isEmpty { return lines }
      for batch in batches { lines += try batch.lines }
      try delivered(batches.map(\.id), for: destination)
    }
  }
}

extension Batch {
  var lines: [String] {
    get throws { try BatchBody.records(json())?.map { String(decoding: $0, as: UTF8.self) } ?? [] }
  }
}

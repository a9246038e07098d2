import Telemetry

/// A batch's JSON, laid out in lines: the head, each record on a line of its own, the end. So a batch can be halved
/// without a JSON parser.
enum BatchBody {
  static func head(_ era: Era, _ lane: Lane, first: Int64, last: Int64) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.field("gateway", era.gateway)
      json.field("epoch", era.epoch)
      json.field("generation", era.generation)
      if !era.stream.isEmpty { json.field("stream", era.stream) }
      json.field("lane", lane.rawValue)
      json.field("first", first)
      json.field("last", last)
      json.field("records", json: "[\n".utf8)
    }
    return Array(json.bytes.dropLast())
  }

  static let separator = Array(",\n".utf8)
  static let end = Array("\n]}".utf8)

  /// `record` with its number as the first field; `record` is a JSON object.
  static func numbered(_ record: [UInt8], _ seq: Int64) -> [UInt8] {
    var line = Array("{\"seq\":\(seq)".utf8)
    let rest = record.dropFirst()
    if rest.first(where: { $0 != UInt8(ascii: " ") && $0 != 0x09 }) != UInt8(ascii: "}") {
      line.append(UInt8(ascii: ","))
    }
    line.append(contentsOf: rest)
    return line
  }

  /// A record of a batch without its number; `nil` for what has none.
  static func unnumbered(_ line: [UInt8]) -> [UInt8]? {
    guard line.starts(with: "{\"seq\":".utf8),
      let end = line.firstIndex(where: { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "}") })
    else { return nil }
    let rest = line[end] == UInt8(ascii: ",") ? line[(end + 1)...] : line[end...]
    return [UInt8(ascii: "{")] + rest
  }

  static func make(_ era: Era, _ lane: Lane, first: Int64, last: Int64, lines: ArraySlice<[UInt8]>) -> [UInt8] {
    var body = head(era, lane, first: first, last: last)
    body.reserveCapacity(body.count + lines.reduce(end.count) { $0 + $1.count + separator.count })
    var needsSeparator = false
    for line in lines {
      if needsSeparator { body.append(contentsOf: separator) }
      body.append(contentsOf: line)
      needsSeparator = true
    }
    body.append(contentsOf: end)
    return body
  }

  /// The records, each with its number; `nil` where the body isn't laid out as `make` does.
  static func records(_ body: [UInt8]) -> [[UInt8]]? {
    let lines = body.split(separator: 0x0a, omittingEmptySubsequences: false)
    guard lines.count >= 3, lines.last.map(Array.init) == Array("]}".utf8) else { return nil }
    return lines[1..<(lines.count - 1)].map { line in
      Array(line.last == UInt8(ascii: ",") ? line.dropLast() : line)
    }
  }
}

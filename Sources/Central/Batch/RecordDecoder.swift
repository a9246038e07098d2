import Telemetry

/// One record's bytes → `BatchRecord`. Where a key comes twice, the first one counts; unknown fields are passed over
/// and stay in the record's text.
struct RecordDecoder {
  /// Larger whole numbers don't survive JSON parsers that read doubles.
  static let maximumInteger: Int64 = 1 << 53 - 1
  /// A device's name comes out of an MQTT topic, which has at most 65,535 bytes; real ones have under 100.
  static let maximumNameLength = 1024

  private let bytes: [UInt8]
  private let range: Range<Int>
  private let index: Int
  private var fields: [String: Range<Int>] = [:]

  private static let known: Set<String> = [
    "seq", "through", "type", "device", "group", "start", "end", "revision", "void", "id", "transition", "time",
    "metrics", "backlog_records",
  ]

  init(_ bytes: [UInt8], _ range: Range<Int>, index: Int) throws {
    self.bytes = bytes
    self.range = range
    self.index = index
    guard JSONText.isObject(bytes, range) else { throw BatchFault(.malformed, index: index, "it is no object") }
    var scanner = JSONScanner(bytes, range)
    var found: [String: Range<Int>] = [:]
    try scanner.object { key, value in
      guard let name = JSONText.string(bytes, key), RecordDecoder.known.contains(name), found[name] == nil else {
        return
      }
      found[name] = value
    }
    fields = found
  }

  func record() throws -> BatchRecord {
    let seq = try integer("seq", in: 1...RecordDecoder.maximumInteger)
    let type = try text("type", maximum: 64)
    var through = seq
    let body: BatchRecord.Body
    switch type {
    case "summary": body = .summary(try summary())
    case "alarm": body = .alarm(try alarm())
    case "status":
      body = .status(backlog: fields["backlog_records"].flatMap { JSONText.integer(bytes, $0) })
    case "dropped":
      if fields["through"] != nil { through = try integer("through", in: seq...RecordDecoder.maximumInteger) }
      body = .dropped
    case "refused": body = .refused
    default: body = .unknown
    }
    return BatchRecord(
      seq: seq, through: through, type: type, body: body, text: String(decoding: bytes[range], as: UTF8.self),
      fingerprint: Fingerprint.of(bytes[range]))
  }

  private func summary() throws -> BatchRecord.Summary {
    let subject: BatchRecord.Subject
    switch (fields["device"], fields["group"]) {
    case (.some, nil): subject = .device(try text("device", maximum: RecordDecoder.maximumNameLength))
    case (nil, .some): subject = .group(try text("group", maximum: RecordDecoder.maximumNameLength))
    case (nil, nil): throw fault("a summary has neither \"device\" nor \"group\"")
    default: throw fault("a summary has both \"device\" and \"group\"")
    }
    let start = try time("start")
    let end = try time("end")
    guard start < end else { throw fault("\"end\" is not after \"start\"") }
    let revision = try integer("revision", in: 0...RecordDecoder.maximumInteger)
    var isVoid = false
    if let range = fields["void"] {
      guard let value = JSONText.boolean(bytes, range) else { throw fault("\"void\" is neither true nor false") }
      isVoid = value
    }
    if let range = fields["metrics"] {
      guard JSONText.isObject(bytes, range) else { throw fault("\"metrics\" is no object") }
    } else if !isVoid {
      throw fault("\"metrics\" is missing")
    }
    return BatchRecord.Summary(subject: subject, start: start, end: end, revision: revision, isVoid: isVoid)
  }

  private func alarm() throws -> BatchRecord.Alarm {
    let transition = try text("transition", maximum: 64)
    guard transition == "raised" || transition == "cleared" else {
      throw fault("\"transition\" is neither \"raised\" nor \"cleared\"")
    }
    return BatchRecord.Alarm(
      id: try text("id", maximum: 128), isRaised: transition == "raised",
      device: try text("device", maximum: RecordDecoder.maximumNameLength), time: try time("time"))
  }

  private func text(_ name: String, maximum: Int) throws -> String {
    guard let range = fields[name] else { throw fault("\"\(name)\" is missing") }
    guard let text = JSONText.string(bytes, range) else { throw fault("\"\(name)\" is no string") }
    guard !text.isEmpty else { throw fault("\"\(name)\" is empty") }
    guard text.utf8.count <= maximum else { throw fault("\"\(name)\" is longer than \(maximum) bytes") }
    guard !text.utf8.contains(0) else { throw fault("\"\(name)\" holds a NUL character") }
    return text
  }

  private func integer(_ name: String, in allowed: ClosedRange<Int64>) throws -> Int64 {
    guard let range = fields[name] else { throw fault("\"\(name)\" is missing") }
    guard let number = JSONText.integer(bytes, range), allowed.contains(number) else {
      throw fault("\"\(name)\" is no whole number from \(allowed.lowerBound) to \(allowed.upperBound)")
    }
    return number
  }

  private func time(_ name: String) throws -> Int64 {
    guard let range = fields[name] else { throw fault("\"\(name)\" is missing") }
    guard let text = JSONText.string(bytes, range), let time = RFC3339.parse(text) else {
      throw fault("\"\(name)\" is no RFC 3339 time with an offset")
    }
    return time.nanoseconds
  }

  private func fault(_ reason: String) -> BatchFault { BatchFault(.malformed, index: index, reason) }
}

/// The body of a request → a batch, or the fault that its sender is told.
///
/// A pure function of its input, and bounded: what is decompressed never exceeds `maximumSize`, whatever the
/// compressed bytes promise.
public struct BatchDecoder: Sendable {
  /// The most bytes of JSON in one batch. A batch seals at 16 KiB compressed; the most repetitive of summaries
  /// compress a hundredfold, so ten times as much is room enough.
  public var maximumSize: Int
  /// The most records in one batch: a bound on the work of one transaction.
  public var maximumRecords: Int

  public init(maximumSize: Int = 16 << 20, maximumRecords: Int = 20_000) {
    self.maximumSize = maximumSize
    self.maximumRecords = maximumRecords
  }

  /// - Parameter encoding: the `Content-Encoding` header as it came, `nil` where there is none.
  public func decode(_ body: [UInt8], encoding: String?) throws(BatchFault) -> Batch {
    let json = try ContentEncoding(encoding).decode(body, limit: maximumSize)
    guard JSONScanner.isUTF8(json) else { throw BatchFault(.malformed, "the body is not valid UTF-8") }
    do {
      return try batch(json)
    } catch let fault as BatchFault {
      throw fault
    } catch {
      throw BatchFault(.malformed, "the body is no JSON: \(error)")
    }
  }

  private func batch(_ json: [UInt8]) throws -> Batch {
    var envelope = Envelope(bytes: json)
    var scanner = JSONScanner(json)
    scanner.skipSpace()
    try scanner.object { key, value in
      if let name = JSONText.string(json, key) { envelope.keep(name, value) }
    }
    try scanner.finish()

    let gateway = try envelope.text("gateway", maximum: 128)
    guard gateway.utf8.allSatisfy(BatchDecoder.isGatewayCharacter) else {
      throw BatchFault(.malformed, "\"gateway\" holds other characters than a-z, 0-9 and -")
    }
    let epoch = try envelope.text("epoch", maximum: 36).lowercased()
    guard BatchDecoder.isUUID(epoch) else { throw BatchFault(.malformed, "\"epoch\" is no UUID") }
    let lane = try envelope.text("lane", maximum: 32)
    let stream = try envelope.has("stream") ? envelope.text("stream", maximum: 128) : ""
    let generation = try envelope.integer("generation", from: 0)
    let first = try envelope.integer("first", from: 1)
    let last = try envelope.integer("last", from: first)
    return Batch(
      gateway: gateway, epoch: epoch, generation: generation, lane: lane, stream: stream, first: first, last: last,
      records: try records(json, envelope.range("records"), first...last), size: json.count)
  }

  private func records(_ json: [UInt8], _ range: Range<Int>, _ allowed: ClosedRange<Int64>) throws -> [BatchRecord] {
    guard json[range.lowerBound] == UInt8(ascii: "[") else { throw BatchFault(.malformed, "\"records\" is no array") }
    var records: [BatchRecord] = []
    var next = allowed.lowerBound
    var scanner = JSONScanner(json, range)
    try scanner.array { scanner in
      guard records.count < maximumRecords else {
        throw BatchFault(.tooLarge, "it has more than \(maximumRecords) records")
      }
      let index = records.count
      let record = try RecordDecoder(json, scanner.value(), index: index).record()
      guard record.seq >= next, record.through <= allowed.upperBound else {
        throw BatchFault(
          .malformed, index: index,
          "\"seq\" \(record.seq) is out of order, or outside \"first\" to \"last\" (\(allowed.lowerBound) to "
            + "\(allowed.upperBound))")
      }
      next = record.through + 1
      records.append(record)
    }
    guard !records.isEmpty else { throw BatchFault(.malformed, "\"records\" is empty") }
    return records
  }

  private static func isGatewayCharacter(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "-") || byte &- UInt8(ascii: "0") < 10 || byte &- UInt8(ascii: "a") < 26
  }

  private static func isUUID(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    return bytes.count == 36
      && bytes.enumerated().allSatisfy { index, byte in
        [8, 13, 18, 23].contains(index) ? byte == UInt8(ascii: "-") : JSONText.hexDigit(byte) != nil
      }
  }
}

/// The outermost object of a batch. Where a key comes twice, the first one counts.
private struct Envelope {
  let bytes: [UInt8]
  private var fields: [String: Range<Int>] = [:]

  init(bytes: [UInt8]) { self.bytes = bytes }

  private static let known: Set<String> = [
    "gateway", "epoch", "generation", "lane", "stream", "first", "last", "records",
  ]

  mutating func keep(_ name: String, _ range: Range<Int>) {
    if Envelope.known.contains(name), fields[name] == nil { fields[name] = range }
  }

  func has(_ name: String) -> Bool { fields[name] != nil }

  func range(_ name: String) throws -> Range<Int> {
    guard let range = fields[name] else { throw BatchFault(.malformed, "\"\(name)\" is missing") }
    return range
  }

  func text(_ name: String, maximum: Int) throws -> String {
    guard let text = try JSONText.string(bytes, range(name)), !text.isEmpty, text.utf8.count <= maximum,
      !text.utf8.contains(where: { $0 < 0x20 })
    else {
      throw BatchFault(.malformed, "\"\(name)\" is no string of 1 to \(maximum) bytes without control characters")
    }
    return text
  }

  func integer(_ name: String, from minimum: Int64) throws -> Int64 {
    guard let number = try JSONText.integer(bytes, range(name)), number >= minimum,
      number <= RecordDecoder.maximumInteger
    else {
      throw BatchFault(
        .malformed, "\"\(name)\" is no whole number from \(minimum) to \(RecordDecoder.maximumInteger)")
    }
    return number
  }
}

import CSimdJSON

/// Parses payloads, one at a time; a value is valid until the next call.
///
/// simdjson reads what is well-formed. What it refuses goes to `LenientJSON`, which is slower, says where the fault
/// is, and lets a document live in which only a number is unusable.
final class JSONParser {
  private let parser: OpaquePointer?
  private let lenient: LenientJSON
  private let words: Int

  init(limits: DecodingLimits) {
    // A value with its key has one to three words; the formats that count their values do so more exactly.
    words = limits.fields * 8
    parser = csj_create(limits.payloadBytes, limits.nesting)
    lenient = LenientJSON(nesting: limits.nesting)
  }

  deinit { csj_free(parser) }

  func parse(_ payload: UnsafeRawBufferPointer) throws(DecodingFault) -> JSONValue {
    var tape: UnsafePointer<UInt64>?
    var strings: UnsafePointer<UInt8>?
    if let parser, let base = payload.baseAddress, csj_parse(parser, base, payload.count, &tape, &strings) == 0,
      let tape, let strings
    {
      return try bounded(JSONValue(tape: tape, strings: strings, index: 1))
    }
    guard !payload.isEmpty else { throw DecodingFault(byte: 0, "the payload is empty") }
    if let content = BinaryContent.describe(payload) { throw DecodingFault(byte: 0, "\(content), not JSON") }
    return try bounded(lenient.parse(payload))
  }

  @inline(__always)
  private func bounded(_ root: JSONValue) throws(DecodingFault) -> JSONValue {
    guard root.next <= words else { throw DecodingFault(payload: "more than \(words / 8) values", limit: .fields) }
    return root
  }
}

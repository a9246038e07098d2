import Telemetry

/// The parameters of a query, each known, given once and within its limits; anything else is the asker's error, told
/// rather than guessed at. A plus sign is itself and no space, so that `+07:00` survives.
struct QueryParameters {
  /// The longest value: a cursor holds two names in hex.
  private static let maximumLength = 8192
  static let maximumLimit = 1000

  private var values: [String: String] = [:]

  init(_ query: String, known: Set<String>) throws {
    for pair in query.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = QueryParameters.decode(parts[0]), known.contains(name) else {
        throw RequestFault.badParameter(
          "\"\(String(parts[0].prefix(40)))\" is not known here; known are \(known.sorted().joined(separator: ", "))")
      }
      guard values[name] == nil else { throw RequestFault.badParameter("\"\(name)\" is given twice") }
      guard let value = QueryParameters.decode(parts.count == 2 ? parts[1] : "") else {
        throw RequestFault.badParameter("\"\(name)\" is no percent-encoded UTF-8")
      }
      guard value.utf8.count <= QueryParameters.maximumLength, !value.utf8.contains(0) else {
        throw RequestFault.badParameter(
          "\"\(name)\" is longer than \(QueryParameters.maximumLength) bytes, or holds a NUL")
      }
      // `device=` with nothing behind it is what a form sends for a field that was left empty.
      if !value.isEmpty { values[name] = value }
    }
  }

  func text(_ name: String) -> String? { values[name] }

  func limit() throws -> Int {
    guard let text = values["limit"] else { return 100 }
    guard let limit = Int(text), (1...QueryParameters.maximumLimit).contains(limit) else {
      throw RequestFault.badParameter("\"limit\" is no whole number from 1 to \(QueryParameters.maximumLimit)")
    }
    return limit
  }

  func time(_ name: String) throws -> Timestamp? {
    guard let text = values[name] else { return nil }
    guard let time = RFC3339.parse(text) else {
      throw RequestFault.badParameter("\"\(name)\" is no RFC 3339 time with an offset, as 2026-11-22T03:40:00Z")
    }
    return time
  }

  func boolean(_ name: String) throws -> Bool? {
    switch values[name] {
    case nil: return nil
    case "true": return true
    case "false": return false
    default: throw RequestFault.badParameter("\"\(name)\" is neither true nor false")
    }
  }

  /// One of the words; `nil` where it isn't given.
  func choice(_ name: String, of words: [String]) throws -> String? {
    guard let text = values[name] else { return nil }
    guard words.contains(text) else {
      throw RequestFault.badParameter("\"\(name)\" is none of \(words.joined(separator: ", "))")
    }
    return text
  }

  /// - Parameter fields: how many the order has; `integers` are the places of those that are numbers.
  func cursor(fields: Int, integers: [Int] = []) throws -> Cursor? {
    guard let text = values["cursor"] else { return nil }
    guard let cursor = Cursor(text: text), cursor.fields.count == fields,
      integers.allSatisfy({ cursor.integer($0) != nil })
    else {
      throw RequestFault.badParameter("\"cursor\" is none that an earlier answer gave as \"next\"")
    }
    return cursor
  }

  private static func decode(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(JSONText.hexDigit), let low = rest.popFirst().flatMap(JSONText.hexDigit)
      else { return nil }
      bytes.append(UInt8(high << 4 | low))
    }
    return JSONScanner.isUTF8(bytes) ? String(decoding: bytes, as: UTF8.self) : nil
  }
}

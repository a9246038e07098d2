/// A value of the parsed document: a position on the tape that `CSimdJSON.h` describes. Valid until the next parse.
///
/// Of members of the same name the first counts, everywhere.
struct JSONValue {
  enum Kind {
    case object, array, string, number, bool, null
    /// A number that is none for us: NaN, an infinity, or beyond what a double holds.
    case unusable
  }

  let tape: UnsafePointer<UInt64>
  let strings: UnsafePointer<UInt8>
  let index: Int

  @inline(__always) private var word: UInt64 { tape[index] }
  @inline(__always) var type: UInt8 { UInt8(truncatingIfNeeded: word >> 56) }
  @inline(__always) private var payload: UInt64 { word & 0x00ff_ffff_ffff_ffff }

  @inline(__always) func at(_ index: Int) -> JSONValue { JSONValue(tape: tape, strings: strings, index: index) }

  var kind: Kind {
    switch type {
    case UInt8(ascii: "{"): .object
    case UInt8(ascii: "["): .array
    case UInt8(ascii: "\""): .string
    case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
    case UInt8(ascii: "n"): .null
    case JSONValue.unusableType: .unusable
    default: .number
    }
  }

  /// Not one of simdjson's: put there by `LenientJSON`.
  static let unusableType = UInt8(ascii: "x")

  /// The index after this value.
  @inline(__always) var next: Int {
    switch type {
    case UInt8(ascii: "{"), UInt8(ascii: "["): Int(UInt32(truncatingIfNeeded: word))
    case UInt8(ascii: "l"), UInt8(ascii: "u"), UInt8(ascii: "d"), JSONValue.unusableType: index + 2
    default: index + 1
    }
  }

  /// Of an object or array: the index of its closing word.
  @inline(__always) var end: Int { Int(UInt32(truncatingIfNeeded: word)) - 1 }

  /// The bytes of a string or key, unescaped, valid UTF-8; empty for anything else.
  @inline(__always) var text: UnsafeRawBufferPointer {
    guard type == UInt8(ascii: "\"") else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    let start = strings + Int(payload)
    let count = UnsafeRawPointer(start).loadUnaligned(as: UInt32.self)
    return UnsafeRawBufferPointer(start: start + 4, count: Int(count))
  }

  /// The number, where it is one that a double can hold.
  @inline(__always) var number: Double? {
    switch type {
    case UInt8(ascii: "d"): Double(bitPattern: tape[index + 1])
    case UInt8(ascii: "l"): Double(Int64(bitPattern: tape[index + 1]))
    case UInt8(ascii: "u"): Double(tape[index + 1])
    default: nil
    }
  }

  /// The number where it was written without point and exponent, and fits.
  var integer: Int64? {
    switch type {
    case UInt8(ascii: "l"): Int64(bitPattern: tape[index + 1])
    default: nil
    }
  }

  var bool: Bool? {
    switch type {
    case UInt8(ascii: "t"): true
    case UInt8(ascii: "f"): false
    default: nil
    }
  }

  /// Why an unusable number is none.
  var unusableReason: String {
    switch tape[index + 1] {
    case 0: "is not a number (NaN)"
    case 1: "is infinite"
    default: "is beyond what a double can hold"
    }
  }

  /// What the value is, for an error text.
  var kindName: String {
    switch kind {
    case .object: "an object"
    case .array: "an array"
    case .string: "a text"
    case .number, .unusable: "a number"
    case .bool: "true or false"
    case .null: "null"
    }
  }
}

// MARK: - Looking around

extension JSONValue {
  /// `nil` where this is no object, or has no such member.
  func member(_ name: StaticString) -> JSONValue? {
    let wanted = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
    return member { $0.equals(wanted) }
  }

  private func member(where isWanted: (UnsafeRawBufferPointer) -> Bool) -> JSONValue? {
    guard type == UInt8(ascii: "{") else { return nil }
    var at = index + 1
    let end = end
    while at < end {
      if isWanted(self.at(at).text) { return self.at(at + 1) }
      at = self.at(at + 1).next
    }
    return nil
  }

  /// The value at a JSON Pointer's tokens.
  func resolve(_ pointer: JSONPointer) -> JSONValue? {
    var value = self
    for token in pointer.tokens {
      switch value.kind {
      case .object:
        let found = token.withUnsafeBytes { wanted in value.member { $0.equals(wanted) } }
        guard let found else { return nil }
        value = found
      case .array:
        guard let index = JSONPointer.arrayIndex(token),
          let element = value.elements.dropFirst(index).first(where: { _ in true })
        else {
          return nil
        }
        value = element
      default: return nil
      }
    }
    return value
  }

  /// The members of an object in their order, without later ones of the same name; empty for anything else.
  var members: Members { Members(self) }
  /// The elements of an array; empty for anything else.
  var elements: Elements { Elements(self) }

  struct Members: Sequence, IteratorProtocol {
    private let object: JSONValue
    private var at: Int
    private let end: Int
    /// Names met already, where looking back at each of them would take too long.
    private var met: Set<String>?

    /// Objects up to this size are looked through backwards.
    private static let small = 32

    init(_ object: JSONValue) {
      self.object = object
      at = object.index + 1
      end = object.type == UInt8(ascii: "{") ? object.end : at
      // Every member has two words at least.
      if end - at > Members.small * 4 { met = [] }
    }

    mutating func next() -> (key: UnsafeRawBufferPointer, value: JSONValue)? {
      while at < end {
        let key = object.at(at).text
        let value = object.at(at + 1)
        defer { at = value.next }
        if isNew(key) { return (key, value) }
      }
      return nil
    }

    private mutating func isNew(_ key: UnsafeRawBufferPointer) -> Bool {
      if met != nil { return met?.insert(String(utf8: key)).inserted ?? true }
      var earlier = object.index + 1
      while earlier < at {
        if object.at(earlier).text.equals(key) { return false }
        earlier = object.at(earlier + 1).next
      }
      return true
    }
  }

  struct Elements: Sequence, IteratorProtocol {
    private let array: JSONValue
    private var at: Int
    private let end: Int

    init(_ array: JSONValue) {
      self.array = array
      at = array.index + 1
      end = array.type == UInt8(ascii: "[") ? array.end : at
    }

    mutating func next() -> JSONValue? {
      guard at < end else { return nil }
      let value = array.at(at)
      at = value.next
      return value
    }
  }
}

extension UnsafeRawBufferPointer {
  @inline(__always) func equals(_ other: UnsafeRawBufferPointer) -> Bool {
    guard count == other.count else { return false }
    guard let a = baseAddress, let b = other.baseAddress else { return true }
    return compareBytes(a, b, count)
  }

  func equals(_ other: StaticString) -> Bool {
    equals(UnsafeRawBufferPointer(start: other.utf8Start, count: other.utf8CodeUnitCount))
  }
}

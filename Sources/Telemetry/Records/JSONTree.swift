/// A JSON text taken apart, for our own records and what servers answer. Strict, and bounded in depth.
public enum JSONTree: Sendable, Equatable {
  case null
  case boolean(Bool)
  case number(Double)
  case string(String)
  case array([JSONTree])
  /// In the order of the text. Of a key that stands twice, the first counts.
  case object([(key: String, value: JSONTree)])

  public struct Fault: Error, Sendable, Equatable, CustomStringConvertible {
    /// The byte at which the text stops being JSON.
    public let offset: Int
    public var description: String { "no JSON from byte \(offset) on" }
  }

  public init(_ bytes: some Collection<UInt8>) throws(Fault) {
    var reader = JSONTreeReader(bytes: Array(bytes))
    self = try reader.whole()
  }

  public subscript(key: String) -> JSONTree? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }

  public var text: String? { if case .string(let text) = self { text } else { nil } }
  public var double: Double? { if case .number(let number) = self { number } else { nil } }
  public var boolean: Bool? { if case .boolean(let value) = self { value } else { nil } }
  /// A whole number that a double holds exactly.
  public var integer: Int64? { double.flatMap { abs($0) < 9e15 ? Int64(exactly: $0) : nil } }
  public var elements: [JSONTree]? { if case .array(let elements) = self { elements } else { nil } }
  public var members: [(key: String, value: JSONTree)]? { if case .object(let members) = self { members } else { nil } }

  public static func == (a: JSONTree, b: JSONTree) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.boolean(let a), .boolean(let b)): a == b
    case (.number(let a), .number(let b)): a == b
    case (.string(let a), .string(let b)): a == b
    case (.array(let a), .array(let b)): a == b
    case (.object(let a), .object(let b)):
      a.count == b.count && zip(a, b).allSatisfy { $0.key == $1.key && $0.value == $1.value }
    default: false
    }
  }
}

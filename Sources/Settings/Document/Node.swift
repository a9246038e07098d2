/// A value of a TOML document, with the line on which it was written.
struct Node {
  enum Value {
    case table([String: Node])
    case array([Node])
    case string(String)
    case integer(Int)
    case float(Double)
    case boolean(Bool)
    /// Dates and times: no key of ours takes one.
    case moment
  }

  let value: Value
  let line: Int?

  /// What it is, in words: `a string`.
  var kind: String {
    switch value {
    case .table: "a table"
    case .array: "a list"
    case .string: "a string"
    case .integer: "a whole number"
    case .float: "a number"
    case .boolean: "true or false"
    case .moment: "a date or time"
    }
  }
}

import SQLite

/// The WHERE clause of a query whose terms depend on what was asked. Values are bound, never written into the text.
struct Terms {
  enum Value {
    case integer(Int64)
    case text(String)
  }

  private var terms: [String] = []
  private var values: [Value] = []

  /// A term without a value.
  mutating func add(_ term: String) { terms.append(term) }

  /// `term` and the value; nothing where there is no value.
  mutating func add(_ term: String, _ value: String?) {
    if let value { add(term, [.text(value)]) }
  }

  /// `term` and the values, as a row where there are several.
  mutating func add(_ term: String, _ added: [Value]) {
    let places = added.map { place($0) }.joined(separator: ", ")
    terms.append(term + (added.count == 1 ? places : "(\(places))"))
  }

  /// The parameter that stands for the value, for use outside of the clause.
  mutating func place(_ value: Value) -> String {
    values.append(value)
    return "?\(values.count)"
  }

  var clause: String { terms.isEmpty ? "" : "WHERE " + terms.joined(separator: " AND ") }

  func bind(to statement: Statement) {
    for (index, value) in values.enumerated() {
      switch value {
      case .integer(let integer): statement.bind(Int32(index + 1), integer)
      case .text(let text): statement.bind(Int32(index + 1), text)
      }
    }
  }
}

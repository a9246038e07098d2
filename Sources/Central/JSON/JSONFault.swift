/// Where bytes stop being JSON, and why.
struct JSONFault: Error, Equatable, CustomStringConvertible {
  /// Counted from the first byte of the document.
  var offset: Int
  var reason: String

  var description: String { "\(reason) at byte \(offset)" }
}

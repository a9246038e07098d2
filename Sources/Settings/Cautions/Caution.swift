/// Something in a valid configuration that whoever answers for the box should know, with what helps.
public struct Caution: Sendable, Hashable, CustomStringConvertible {
  public let message: String
  public let cure: String

  public init(_ message: String, cure: String) {
    self.message = message
    self.cure = cure
  }

  public var description: String { "\(message) (\(cure))" }
}

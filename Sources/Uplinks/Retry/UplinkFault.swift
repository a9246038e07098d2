/// What is wrong with a destination, for the technician.
public struct UplinkFault: Sendable, Equatable {
  /// What happened. Never holds credentials.
  public var error: String
  /// What helps.
  public var cure: String

  public init(error: String, cure: String) {
    self.error = error
    self.cure = cure
  }
}

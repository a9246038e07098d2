/// What stands in the place of parts of a message; `nil` for what is kept as it is.
public struct Redacted: Sendable, Hashable {
  public var topic: [UInt8]?
  public var payload: [UInt8]?

  public init(topic: [UInt8]? = nil, payload: [UInt8]? = nil) {
    self.topic = topic
    self.payload = payload
  }
}

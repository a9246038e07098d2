/// Why a batch can't be taken, in the words of the answer that its sender gets.
public struct BatchFault: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Kind: String, Sendable {
    /// 400: it is not what the interface says. The sender halves it until the culprit stands alone.
    case malformed
    /// 413: more than is taken at once. The sender halves it.
    case tooLarge = "too large"
    /// 415: an encoding that isn't known here. The sender goes over to gzip.
    case unsupportedEncoding = "unsupported encoding"
  }

  public var kind: Kind
  /// The record's position in `records`, from 0; `nil` where the fault isn't in a record.
  public var index: Int?
  public var reason: String

  public init(_ kind: Kind, index: Int? = nil, _ reason: String) {
    self.kind = kind
    self.index = index
    self.reason = reason
  }

  public var description: String { "\(kind.rawValue)\(index.map { ", record \($0)" } ?? ""): \(reason)" }
}

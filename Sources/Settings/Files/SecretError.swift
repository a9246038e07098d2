/// Why a secret can't be had: which file, what is wrong with it, and what helps.
public struct SecretError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Kind: Sendable, Equatable {
    case absent, unreadable, tooLarge, empty
    /// Not UTF-8, or with control characters inside: neither a password nor a token.
    case notText
    /// Every user of the box may read it.
    case exposed
  }

  public let kind: Kind
  /// The file that was looked at.
  public let file: String
  public let message: String
  public let cure: String

  public var description: String { "\(message) (\(cure))" }
}

import SQLite

/// What the outbox could not do: what was attempted, on what, why not, and what helps.
public struct OutboxError: Error, Sendable, CustomStringConvertible {
  public enum Code: Sendable, Equatable {
    /// The file was written by a newer version; it was left untouched.
    case newerSchema
    /// SQLite refused; see `underlying`.
    case database
    /// A small file beside the database could not be read or written.
    case file
    /// An I/O error or a damaged page came before; the outbox does nothing more until the process is started anew.
    case halted
    /// What was appended is no JSON object.
    case invalidRecord
    /// No destination of that name was given at opening.
    case unknownDestination
    /// A batch's bytes can't be read back.
    case damagedBatch
    /// The compression library refused.
    case compression
  }

  public let code: Code
  public let operation: String
  public let path: String
  public let message: String
  public let hint: String?
  public let underlying: DatabaseError?

  public init(
    _ code: Code, operation: String, path: String, message: String, hint: String? = nil,
    underlying: DatabaseError? = nil
  ) {
    self.code = code
    self.operation = operation
    self.path = path
    self.message = message
    self.hint = hint
    self.underlying = underlying
  }

  init(_ error: DatabaseError) {
    self.init(.database, operation: error.operation, path: error.path, message: "\(error)", underlying: error)
  }

  public var description: String {
    // SQLite's errors already say what, where and what helps.
    if let underlying, code == .database { return underlying.description }
    return "\(operation) \(path): \(message)" + (hint.map { "; \($0)" } ?? "")
  }
}

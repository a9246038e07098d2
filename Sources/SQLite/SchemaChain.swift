/// How a file of an earlier schema is brought forward: a step for each version, all that are needed in one
/// transaction, so that a power cut leaves either the old schema or the new one.
///
/// A version is the file's `user_version`. Once a version has been released, its step is never changed.
public struct SchemaChain {
  public typealias Step = (Database) throws -> Void

  /// The earliest version that is still understood.
  public let oldest: Int64
  private let steps: [Step]

  /// - Parameter steps: the first leads from `oldest` to the version after it, and so on.
  public init(oldest: Int64, steps: [Step] = []) {
    self.oldest = oldest
    self.steps = steps
  }

  /// The version that the last step leads to.
  public var newest: Int64 { oldest + Int64(steps.count) }

  /// Whether a file of this version is understood, if need be after `bring`.
  public func knows(_ version: Int64) -> Bool { (oldest...newest).contains(version) }

  /// Brings the file to `newest`. Only for a writer, and a version that is known.
  ///
  /// - Parameter finally: in the same transaction, where there was anything to do.
  /// - Returns: whether there was.
  @discardableResult
  public func bring(_ database: Database, finally: Step = { _ in }) throws -> Bool {
    let found = try database.integer("PRAGMA user_version")
    guard knows(found), found < newest else { return false }
    try database.transaction {
      for step in steps[Int(found - oldest)...] { try step(database) }
      try finally(database)
      try database.execute("PRAGMA user_version=\(newest)")
    }
    return true
  }
}

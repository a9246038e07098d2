/// What SQLite refused: what was attempted, on which file, why, and what helps.
public struct DatabaseError: Error, Sendable, CustomStringConvertible {
  /// What its reader may do about it; the extended result code narrows each.
  public enum Kind: Sendable, Equatable {
    /// No space left, on the file system or by quota (SQLITE_FULL).
    case full
    /// The operating system refused a read, a write or a sync (SQLITE_IOERR). After a failed sync nothing that was
    /// written since the last good one may be trusted to be on flash.
    case io
    /// The file is no database, or damaged (SQLITE_CORRUPT, SQLITE_NOTADB).
    case corrupt
    /// The file, or its folder, can't be opened or written (SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_PERM).
    case access
    /// Another process holds it (SQLITE_BUSY, SQLITE_LOCKED).
    case busy
    /// A rule of the schema was broken (SQLITE_CONSTRAINT).
    case constraint
    case other
  }

  public let kind: Kind
  /// SQLite's extended result code.
  public let code: Int32
  public let operation: String
  public let path: String
  public let message: String

  public init(code: Int32, operation: String, path: String, message: String) {
    self.code = code
    self.operation = operation
    self.path = path
    self.message = message
    kind =
      switch code & 0xff {
      case 13: .full
      // The shared-memory file could not grow (SQLITE_IOERR_SHMSIZE): there is no space for it.
      case 10 where code == 4874: .full
      case 10: .io
      case 11, 26: .corrupt
      case 14, 8, 3: .access
      case 5, 6: .busy
      case 19: .constraint
      default: .other
      }
  }

  /// Whether what the file holds is not what was asked for: no such table or column, a value that is none (SQLITE_ERROR,
  /// SQLITE_TOOBIG, SQLITE_MISMATCH). Not where the process lacked something, as memory.
  public var isOfContent: Bool { [1, 18, 20].contains(code & 0xff) }

  private var hint: String {
    switch kind {
    case .full: "; free space on the file system or lower [store] max_size"
    case .io: "; look at the kernel's log for the disk's errors (dmesg)"
    case .corrupt: "; the file is damaged or no database: open the store anew, which sets it aside"
    case .access: "; the folder must exist and belong to the user that runs this"
    case .busy: "; is another lumbung running on the same store?"
    default: ""
    }
  }

  public var description: String { "\(operation) \(path): \(message) (SQLite code \(code))\(hint)" }
}

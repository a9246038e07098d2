import SQLite

/// What the journal could not do: what was attempted, on which file, why, and what helps.
public struct JournalError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Kind: Sendable, Equatable {
    /// No space left. Nothing of the attempt is stored; it may be tried again once there is space.
    case full
    /// The operating system refused a read, a write or a sync. Never tried again in place: open the journal anew.
    case io
    /// The file is damaged. Opening the journal anew looks through it, sets it aside and salvages it.
    case damaged
    /// An earlier I/O error or damage ended this writer: open the journal anew.
    case mustReopen
    /// The file, or its folder, can't be opened or written.
    case access
    /// Another process, or another writer of this one, holds the journal.
    case busy
    /// The file was written by a newer version of this program; it was left as it is.
    case newerSchema
    /// More than one segment may hold. Commit fewer messages at once.
    case tooLarge
    case other
  }

  public let kind: Kind
  public let operation: String
  public let path: String
  public let reason: String

  public init(kind: Kind, operation: String, path: String, reason: String) {
    self.kind = kind
    self.operation = operation
    self.path = path
    self.reason = reason
  }

  init(_ error: any Error, operation: String, path: String) {
    switch error {
    case let error as JournalError:
      self = error
    case let error as DatabaseError:
      let kind: Kind =
        switch error.kind {
        case .full: .full
        case .io: .io
        // Its only rules are ids that are given once: where one is met twice, its row was hidden by damage.
        case .corrupt, .constraint: .damaged
        case .access: .access
        case .busy: .busy
        case .other: .other
        }
      self.init(kind: kind, operation: operation, path: path, reason: "\(error.message) (SQLite code \(error.code))")
    case let error as SegmentDamage:
      self.init(kind: .tooLarge, operation: operation, path: path, reason: error.reason)
    case let error as FileError:
      self.init(kind: error.kind, operation: operation, path: path, reason: error.description)
    default:
      self.init(kind: .other, operation: operation, path: path, reason: "\(error)")
    }
  }

  private var hint: String {
    switch kind {
    case .full: "; free space on the file system, or lower [store] max_size"
    case .io: "; look at the kernel's log for the disk's errors (dmesg), then open the journal anew"
    case .damaged: "; open the journal anew with its structure checked: it is set aside and salvaged"
    case .mustReopen: "; open the journal anew"
    case .access: "; the folder must exist and belong to the user that runs this"
    case .busy: "; is another lumbung running on the same store?"
    case .newerSchema: "; install the newer version again, or move the file away"
    case .tooLarge: "; lower [store] commit_messages"
    case .other: ""
    }
  }

  public var description: String { "\(operation) \(path): \(reason)\(hint)" }
}

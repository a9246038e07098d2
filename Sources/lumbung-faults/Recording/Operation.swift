import CFaultVFS

/// What happened to a file, or a mark between.
struct Operation: Sendable {
  enum Kind: Sendable {
    case write, truncate, create, delete, sync, failedSync, smallFile, mark
  }

  var kind: Kind
  var file: Int
  /// Of a write; the size for a truncation; the number for a mark; 1 for a deletion that is synced at once.
  var offset: Int
  /// `nil` where a small file is gone.
  var bytes: [UInt8]?

  /// All that this thread has recorded.
  static func recorded() -> [Operation] {
    let count = lumbung_fault_operation_count()
    guard count > 0, let first = lumbung_fault_operations() else { return [] }
    return UnsafeBufferPointer(start: first, count: count).compactMap { raw in
      let kind: Kind? =
        switch UInt32(raw.kind) {
        case lumbung_fault_write.rawValue: .write
        case lumbung_fault_truncate.rawValue: .truncate
        case lumbung_fault_create.rawValue: .create
        case lumbung_fault_delete.rawValue: .delete
        case lumbung_fault_sync.rawValue: .sync
        case lumbung_fault_failed_sync.rawValue: .failedSync
        case lumbung_fault_small_file.rawValue: .smallFile
        case lumbung_fault_mark_kind.rawValue: .mark
        default: nil
        }
      guard let kind else { return nil }
      let bytes = raw.length < 0 ? nil : Array(UnsafeBufferPointer(start: raw.bytes, count: Int(raw.length)))
      return Operation(kind: kind, file: Int(raw.file), offset: Int(raw.offset), bytes: bytes)
    }
  }

  /// Names of the files, by number.
  static func names() -> [String] {
    var names: [String] = []
    while let name = lumbung_fault_name(names.count) { names.append(String(cString: name)) }
    return names
  }
}

/// A file's bytes, and what was written to it since its last sync.
struct FileImage: Sendable {
  private(set) var durable: [UInt8]
  private(set) var pending: [Operation] = []

  init(durable: [UInt8] = []) { self.durable = durable }

  mutating func add(_ operation: Operation) { pending.append(operation) }

  mutating func sync() {
    for operation in pending { FileImage.apply(operation, to: &durable) }
    pending = []
  }

  /// What the kernel may have thrown away; a later sync says nothing of it.
  mutating func forgetPending() { pending = [] }

  static func apply(_ operation: Operation, to bytes: inout [UInt8]) {
    switch operation.kind {
    case .truncate:
      if bytes.count > operation.offset {
        bytes.removeSubrange(operation.offset...)
      } else {
        bytes.append(contentsOf: repeatElement(0, count: operation.offset - bytes.count))
      }
    case .write:
      let new = operation.bytes ?? []
      write(new[...], to: &bytes, at: operation.offset)
    case .create, .delete, .sync, .failedSync, .smallFile, .mark: break
    }
  }

  static func write(_ new: ArraySlice<UInt8>, to bytes: inout [UInt8], at offset: Int) {
    let end = offset + new.count
    if bytes.count < end { bytes.append(contentsOf: repeatElement(0, count: end - bytes.count)) }
    bytes.withUnsafeMutableBytes { target in
      new.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: target[offset..<end]).copyMemory(from: $0) }
    }
  }
}

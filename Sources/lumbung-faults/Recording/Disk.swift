/// A disk at one moment of a recorded run: what is on it for certain, and what was done since the last sync.
///
/// A file's bytes are there once the file was synced. A name is given or taken away for good by a sync of the folder
/// (SQLite's, with the first sync of a log or rollback journal and after some deletions) or, as ext4, XFS and Btrfs
/// do, by a sync of the file that bears it. Until then each name and each write stands for itself.
struct Disk {
  enum Variant: Sendable {
    /// Nothing that was not synced has arrived.
    case nothing
    /// Everything has.
    case everything
    /// Some writes have, each whole.
    case some
    /// Some have, in any order.
    case reordered
    /// Everything has, but of the last write only some sectors.
    case torn
    /// Some have, and of some of those only some sectors.
    case tornSome
  }

  private var images: [FileImage] = []
  /// Which image each name stands for, on the disk for certain and as the running system sees it.
  private var durableNames: [Int: Int] = [:]
  private var names: [Int: Int] = [:]
  private var small: [Int: [UInt8]] = [:]
  /// The file last written to: only its last write is torn by itself.
  private var lastWritten: Int?

  /// The smallest that a disk writes whole.
  private static let sector = 512

  /// - Parameter files: what was on it before.
  init(_ files: [(name: String, bytes: [UInt8])] = [], _ numbers: [String] = []) {
    for (name, bytes) in files {
      guard let file = numbers.firstIndex(of: name) else { continue }
      images.append(FileImage(durable: bytes))
      durableNames[file] = images.count - 1
    }
    names = durableNames
  }

  var hasPending: Bool { names != durableNames || names.values.contains { !images[$0].pending.isEmpty } }

  mutating func apply(_ operation: Operation) {
    let file = operation.file
    switch operation.kind {
    case .mark: break
    case .smallFile: small[file] = operation.bytes
    case .create: create(file)
    case .delete:
      names[file] = nil
      if operation.offset == 1 { durableNames = names }
    case .write, .truncate:
      if names[file] == nil { create(file) }
      if let image = names[file] { images[image].add(operation) }
      if operation.kind == .write { lastWritten = file }
    case .sync:
      if let image = names[file] {
        images[image].sync()
        durableNames[file] = image
      }
      if operation.offset == 1 { durableNames = names }
    case .failedSync: if let image = names[file] { images[image].forgetPending() }
    }
  }

  private mutating func create(_ file: Int) {
    images.append(FileImage())
    names[file] = images.count - 1
  }

  /// The files as a crash at this moment could leave them, by their number.
  func files(_ variant: Variant, _ random: inout Seeded) -> [(file: Int, bytes: [UInt8])] {
    var files: [(file: Int, bytes: [UInt8])] = []
    for file in Set(durableNames.keys).union(names.keys).sorted() {
      guard let image = name(file, variant, &random) else { continue }
      var bytes = images[image].durable
      let tears = variant != .torn || file == lastWritten
      apply(images[image].pending, tears ? variant : .everything, to: &bytes, &random)
      files.append((file, bytes))
    }
    for (file, bytes) in small.sorted(by: { $0.key < $1.key }) { files.append((file, bytes)) }
    return files
  }

  private func name(_ file: Int, _ variant: Variant, _ random: inout Seeded) -> Int? {
    let (before, now) = (durableNames[file], names[file])
    guard before != now else { return now }
    switch variant {
    case .nothing: return before
    case .everything, .torn: return now
    case .some, .reordered, .tornSome: return Bool.random(using: &random) ? before : now
    }
  }

  private func apply(
    _ operations: [Operation], _ variant: Variant, to bytes: inout [UInt8], _ random: inout Seeded
  ) {
    switch variant {
    case .nothing: break
    case .everything: for operation in operations { FileImage.apply(operation, to: &bytes) }
    case .torn:
      for operation in operations.dropLast() { FileImage.apply(operation, to: &bytes) }
      if let last = operations.last { tear(last, into: &bytes, &random) }
    case .some, .reordered, .tornSome:
      let share = Int.random(in: 1...9, using: &random)
      var kept = operations.filter { _ in Int.random(in: 0..<10, using: &random) < share }
      if variant == .reordered { kept.shuffle(using: &random) }
      for operation in kept {
        if variant == .tornSome, Int.random(in: 0..<4, using: &random) == 0 {
          tear(operation, into: &bytes, &random)
        } else {
          FileImage.apply(operation, to: &bytes)
        }
      }
    }
  }

  private func tear(_ operation: Operation, into image: inout [UInt8], _ random: inout Seeded) {
    guard operation.kind == .write, let bytes = operation.bytes else { return }
    let isPrefix = Bool.random(using: &random)
    let cut = Int.random(in: 0...bytes.count, using: &random)
    var at = 0
    while at < bytes.count {
      // Up to the next sector's border on the disk.
      let end = min(bytes.count, at + Disk.sector - (operation.offset + at) % Disk.sector)
      if isPrefix ? end <= cut : Bool.random(using: &random) {
        FileImage.write(bytes[at..<end], to: &image, at: operation.offset + at)
      }
      at = end
    }
  }
}

/// A state in which a crash could leave the files.
struct CrashState {
  /// Counted through a script's states, those left out as equal included.
  var number: Int
  var files: [(file: Int, bytes: [UInt8])]
  var known: Knowledge
  var operation: Int
  var variant: Disk.Variant
  /// Whether something was not synced at that moment.
  var inFlight: Bool
  /// The same files, at a moment when the same was known, have been looked at before.
  var isRepeated: Bool

  var place: String { "operation \(operation), \(variant)" }
}

/// Goes through a recording, and makes after each operation the states in which a crash could leave the files.
struct CrashWalk {
  private let recording: Recording
  private var random: Seeded
  private var seen: Set<Int> = []

  /// Per operation: everything and nothing, then so many of each kind that leaves it to chance.
  private static let variants: [Disk.Variant] = [
    .nothing, .everything, .torn, .torn, .some, .some, .some, .reordered, .reordered, .tornSome, .tornSome,
  ]

  init(_ recording: Recording) {
    self.recording = recording
    random = Seeded(recording.script.seed &+ 77)
  }

  /// Calls `body` with each state, until it returns false.
  mutating func forEachState(_ body: (CrashState) throws -> Bool) rethrows {
    var disk = Disk(recording.script.start?.files ?? [], recording.names)
    var known = Knowledge(recording.script.start)
    var note = 0
    var number = 0
    for (index, operation) in recording.operations.enumerated() {
      disk.apply(operation)
      if operation.kind == .mark {
        note = operation.offset
        known = recording.notes[note]
      }
      let inFlight = disk.hasPending
      for variant in inFlight ? CrashWalk.variants : [.nothing] {
        let files = disk.files(variant, &random)
        let isRepeated = !seen.insert(CrashWalk.hash(files, note)).inserted
        let state = CrashState(
          number: number, files: files, known: known, operation: index, variant: variant, inFlight: inFlight,
          isRepeated: isRepeated)
        number += 1
        guard try body(state) else { return }
      }
    }
  }

  private static func hash(_ files: [(file: Int, bytes: [UInt8])], _ note: Int) -> Int {
    var hasher = Hasher()
    hasher.combine(note)
    for (file, bytes) in files {
      hasher.combine(file)
      hasher.combine(bytes.count)
      bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    }
    return hasher.finalize()
  }
}

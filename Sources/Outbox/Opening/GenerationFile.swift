/// The small file `generation` beside the database: `EPOCH GENERATION`. It survives the loss of outbox.db, so that a
/// new one never gives out numbers that the lost one has given.
struct GenerationFile {
  let path: String

  init(besides database: String) { path = SmallFile.folder(of: database) + "/generation" }

  /// The generation last used under `epoch`; `nil` where none is known.
  func read(_ epoch: String) -> Int? {
    guard let words = SmallFile.read(path)?.split(whereSeparator: \.isWhitespace), words.count == 2,
      words[0] == epoch, let generation = Int(words[1]), (0...1_000_000_000).contains(generation)
    else { return nil }
    return generation
  }

  func write(_ epoch: String, _ generation: Int) throws(OutboxError) {
    if read(epoch) == generation { return }
    try SmallFile.write(path, "\(epoch) \(generation)\n")
  }
}

/// Batches that wait for the writer: bounded, and handed out in groups, so that those that came while one commit ran
/// share the next.
struct WriteQueue<Entry> {
  enum Admission: Equatable {
    /// It waits; the writer is at work and will come to it.
    case queued
    /// It waits, and the writer must be told.
    case wake
    case overloaded
  }

  /// What may wait and be in work, in bytes of JSON: with what its parsing costs, some 128 MiB of memory.
  static var maximumSize: Int { 64 << 20 }
  /// One transaction's worth: long enough to share the sync, short enough to answer soon.
  static var maximumGroup: Int { 64 }

  private var waiting: [(entry: Entry, size: Int)] = []
  private var inWork = 0
  private var size = 0
  private var isAwake = false

  mutating func admit(_ entry: Entry, size entrySize: Int) -> Admission {
    guard size == 0 || size + entrySize <= WriteQueue.maximumSize else { return .overloaded }
    waiting.append((entry, entrySize))
    size += entrySize
    if isAwake { return .queued }
    isAwake = true
    return .wake
  }

  /// The next group; empty where nothing waits, and then the writer must be woken again. The group before counts as
  /// done.
  mutating func next() -> [Entry] {
    size -= inWork
    let group = waiting.prefix(WriteQueue.maximumGroup)
    inWork = group.reduce(0) { $0 + $1.size }
    waiting.removeFirst(group.count)
    isAwake = !group.isEmpty
    return group.map(\.entry)
  }
}

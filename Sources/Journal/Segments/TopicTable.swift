import Glibc
import Telemetry

/// The distinct topics of one segment, each with a number in order of appearance. Keeps its memory when emptied.
struct TopicTable {
  /// Each topic as a varint of its length and its bytes: as it stands in the segment.
  private(set) var bytes: [UInt8] = []
  private var entries: [Entry] = []
  /// Open addressing: the entry's number plus one, 0 where free. A power of two, at most half full.
  private var slots: [UInt32] = []

  /// Seeded at random: nobody outside can choose topics that collide.
  private let hashing = SeededHash()

  private struct Entry {
    var hash: UInt64
    var start: Int
    var length: Int
  }

  var count: Int { entries.count }

  /// The topic's number; it is added where it is new.
  mutating func number(of topic: UnsafeRawBufferPointer) -> Int {
    if (entries.count + 1) * 2 > slots.count { grow() }
    let hash = hashing.hash(topic)
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot] != 0 {
      let number = Int(slots[slot] - 1)
      if entries[number].hash == hash, holds(entries[number], topic) { return number }
      slot = (slot + 1) & (slots.count - 1)
    }
    Varint.append(UInt64(topic.count), to: &bytes)
    entries.append(Entry(hash: hash, start: bytes.count, length: topic.count))
    bytes.append(contentsOf: topic)
    slots[slot] = UInt32(entries.count)
    return entries.count - 1
  }

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    entries.removeAll(keepingCapacity: true)
    for slot in slots.indices { slots[slot] = 0 }
  }

  private func holds(_ entry: Entry, _ topic: UnsafeRawBufferPointer) -> Bool {
    guard entry.length == topic.count else { return false }
    guard let base = topic.baseAddress else { return true }
    return bytes.withUnsafeBytes { stored in
      stored.baseAddress.map { memcmp($0 + entry.start, base, entry.length) == 0 } ?? false
    }
  }

  private mutating func grow() {
    slots = [UInt32](repeating: 0, count: max(64, slots.count * 2))
    for (number, entry) in entries.enumerated() {
      var slot = Int(truncatingIfNeeded: entry.hash) & (slots.count - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = UInt32(number + 1)
    }
  }
}

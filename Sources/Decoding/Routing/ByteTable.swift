import Glibc
import Telemetry

/// A map from bytes (and a number beside them) to a value, without a `String` made to look something up.
///
/// Open addressing with linear probing, at most half full. The hash is seeded at random, so that nobody outside can
/// choose keys that collide. Keys lie in one arena. Nothing is removed but all at once.
struct ByteTable<Value>: ~Copyable {
  private struct Entry {
    let hash: UInt64
    let salt: UInt64
    let keyStart: Int
    let keyCount: Int
    let value: Value
  }

  /// Index of an entry plus one; 0 where free.
  private var slots: UnsafeMutableBufferPointer<UInt32>
  private var entries: [Entry] = []
  private var keys: [UInt8] = []
  private let hashing = SeededHash()

  init() {
    slots = .allocate(capacity: 16)
    slots.initialize(repeating: 0)
  }

  deinit { slots.deallocate() }

  var count: Int { entries.count }

  mutating func removeAll() {
    slots.deallocate()
    slots = .allocate(capacity: 16)
    slots.initialize(repeating: 0)
    entries = []
    keys = []
  }

  @inline(__always)
  func find(_ key: UnsafeRawBufferPointer, salt: UInt64 = 0) -> Value? {
    let hash = hashing.hash(key, salt: salt)
    let mask = slots.count - 1
    var at = Int(truncatingIfNeeded: hash) & mask
    return keys.withUnsafeBytes { stored in
      while slots[at] != 0 {
        let index = Int(slots[at]) - 1
        if entries[index].hash == hash, entries[index].salt == salt {
          let start = entries[index].keyStart
          let range = UnsafeRawBufferPointer(rebasing: stored[start..<start + entries[index].keyCount])
          if range.equals(key) { return entries[index].value }
        }
        at = (at + 1) & mask
      }
      return nil
    }
  }

  /// The key must not be there yet.
  mutating func insert(_ value: Value, for key: UnsafeRawBufferPointer, salt: UInt64 = 0) {
    if (entries.count + 1) * 2 > slots.count { grow() }
    let hash = hashing.hash(key, salt: salt)
    entries.append(Entry(hash: hash, salt: salt, keyStart: keys.count, keyCount: key.count, value: value))
    keys.append(contentsOf: key)
    place(hash, UInt32(entries.count))
  }

  private mutating func place(_ hash: UInt64, _ number: UInt32) {
    let mask = slots.count - 1
    var at = Int(truncatingIfNeeded: hash) & mask
    while slots[at] != 0 { at = (at + 1) & mask }
    slots[at] = number
  }

  private mutating func grow() {
    let capacity = slots.count * 2
    slots.deallocate()
    slots = .allocate(capacity: capacity)
    slots.initialize(repeating: 0)
    for (index, entry) in entries.enumerated() { place(entry.hash, UInt32(index + 1)) }
  }
}

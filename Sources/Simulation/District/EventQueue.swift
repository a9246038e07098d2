/// What happens next: a binary heap by time, and by the order of adding where times are equal.
struct EventQueue: Sendable {
  enum Event: Sendable {
    case report(station: Int32, stream: Int32)
    /// A message that was put off, by its place in the district's list.
    case message(Int)
  }

  struct Entry: Sendable {
    let at: Int64
    let order: UInt64
    let event: Event

    func isBefore(_ other: Entry) -> Bool { at != other.at ? at < other.at : order < other.order }
  }

  private var heap: [Entry] = []
  private var added: UInt64 = 0

  mutating func add(_ event: Event, at: Int64) {
    heap.append(Entry(at: at, order: added, event: event))
    added += 1
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].isBefore(heap[parent]) else { break }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  mutating func popFirst() -> Entry? {
    guard let first = heap.first else { return nil }
    let last = heap.removeLast()
    guard !heap.isEmpty else { return first }
    heap[0] = last
    var parent = 0
    while true {
      var child = 2 * parent + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, heap[child + 1].isBefore(heap[child]) { child += 1 }
      guard heap[child].isBefore(heap[parent]) else { break }
      heap.swapAt(child, parent)
      parent = child
    }
    return first
  }
}

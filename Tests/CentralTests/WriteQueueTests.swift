import Testing

@testable import Central

@Suite("The write queue")
struct WriteQueueTests {
  @Test("the first entry wakes the writer, and those that come while it works wait")
  func waking() {
    var queue = WriteQueue<Int>()
    #expect(queue.admit(1, size: 1) == .wake)
    #expect(queue.admit(2, size: 1) == .queued)
    #expect(queue.next() == [1, 2])
    #expect(queue.admit(3, size: 1) == .queued)
    #expect(queue.next() == [3])
    #expect(queue.next() == [])
    #expect(queue.admit(4, size: 1) == .wake)
  }

  @Test("a group is bounded, and the order is kept")
  func groups() {
    var queue = WriteQueue<Int>()
    for entry in 0..<WriteQueue<Int>.maximumGroup + 3 { _ = queue.admit(entry, size: 1) }
    let first = queue.next()
    #expect(first == Array(0..<WriteQueue<Int>.maximumGroup))
    #expect(queue.next().count == 3)
  }

  @Test("what waits and what is in work count together, and room comes back when the work is done")
  func bound() {
    var queue = WriteQueue<Int>()
    let most = WriteQueue<Int>.maximumSize
    #expect(queue.admit(1, size: most) == .wake)
    #expect(queue.admit(2, size: 1) == .overloaded)
    #expect(queue.next() == [1])
    #expect(queue.admit(3, size: 1) == .overloaded)
    #expect(queue.next() == [])
    #expect(queue.admit(4, size: 1) == .wake)
  }

  @Test("a single entry larger than the bound is taken where nothing else waits")
  func oversized() {
    var queue = WriteQueue<Int>()
    #expect(queue.admit(1, size: WriteQueue<Int>.maximumSize + 1) == .wake)
  }
}

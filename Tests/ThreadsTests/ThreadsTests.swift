import Synchronization
import Telemetry
import Testing
import Threads

@Suite("Threads that may block")
struct ThreadsTests {
  @Test("a bell that rang before the wait began is not missed")
  func earlyRing() {
    let bell = Bell()
    let mark = bell.count()
    bell.ring()
    #expect(bell.wait(past: mark, timeout: .seconds(60)) == mark + 1)
  }

  @Test("waiting for a silent bell ends with the time")
  func silence() {
    let bell = Bell()
    #expect(bell.wait(past: bell.count(), timeout: .milliseconds(10)) == 0)
  }

  @Test("a thread runs its body once, and joining it waits for the end")
  func join() throws {
    let gate = Bell()
    let box = Box(count: 0)
    let thread = try BlockingThread("test") {
      gate.wait(past: 0, timeout: .seconds(60))
      box.increment()
    }
    #expect(!thread.join(within: .zero))
    gate.ring()
    #expect(thread.join(within: .seconds(60)))
    #expect(box.value == 1)
  }

  private final class Box: Sendable {
    private let count: Mutex<Int>
    init(count: Int) { self.count = Mutex(count) }
    func increment() { count.withLock { $0 += 1 } }
    var value: Int { count.withLock { $0 } }
  }
}

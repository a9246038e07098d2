import Glibc
import Synchronization
import Threads

@testable import MQTT

private func loopback(port: Int) -> sockaddr_in {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = in_port_t(UInt16(port).bigEndian)
  address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  return address
}

private func withAddress<T>(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> T) -> T {
  var address = loopback(port: port)
  return withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
  }
}

private func newSocket() -> Int32 { socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0) }

/// Listens on a port; on one that the system chose, where it is 0.
func listener(port: Int = 0) throws -> (descriptor: Int32, port: Int) {
  let descriptor = newSocket()
  var yes: Int32 = 1
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
  guard withAddress(port, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 16) == 0 else {
    close(descriptor)
    throw TestFailure("no listener: \(String(cString: strerror(errno)))")
  }
  var address = sockaddr_in()
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  _ = withUnsafeMutablePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
  }
  return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
}

private let nextPort = Atomic<Int>(.random(in: 0..<6000))

/// A port that is free, and stays so: below those that the system gives to others meanwhile, and given once only, since
/// tests that run side by side would otherwise meet at one broker.
func freePort() throws -> Int {
  for _ in 0..<100 {
    let number = nextPort.add(1, ordering: .relaxed).oldValue
    guard let (descriptor, port) = try? listener(port: 20_000 + number % 6000) else { continue }
    close(descriptor)
    return port
  }
  throw TestFailure("no free port")
}

func connected(port: Int) -> Int32? {
  let descriptor = newSocket()
  if withAddress(port, { connect(descriptor, $0, $1) }) == 0 { return descriptor }
  close(descriptor)
  return nil
}

/// Ends an accepted connection, whoever holds it: a program that another test started meanwhile may have inherited its
/// descriptor, and closing ours alone would leave the other side waiting for as long as that program runs.
func hangUp(_ descriptor: Int32) {
  shutdown(descriptor, Int32(SHUT_RDWR))
  close(descriptor)
}

/// Passes bytes on between a client and a broker, and cuts when told: at once, or after so many bytes towards the
/// client or the broker, in the middle of whatever is under way.
final class TestProxy: Sendable {
  let port: Int
  private let target: Int
  private let listening: Int32
  private struct State {
    var cutNow = false
    var holdsAcknowledgements = false
    var downBudget = Int.max
    var upBudget = Int.max
    var connections = 0
    var ended = false
  }
  private let state = Mutex(State())

  init(to target: Int) throws {
    self.target = target
    (listening, port) = try listener()
    _ = try BlockingThread("test-proxy") { [self] in serve() }
  }

  var connections: Int { state.withLock { $0.connections } }
  func cut() { state.withLock { $0.cutNow = true } }
  /// The next connection is cut after so many bytes.
  func cut(afterBytesDown down: Int = .max, up: Int = .max) {
    state.withLock {
      $0.downBudget = down
      $0.upBudget = up
    }
  }
  /// What the client sends stays here: its acknowledgements never arrive.
  func holdUpstream(_ hold: Bool) { state.withLock { $0.holdsAcknowledgements = hold } }

  func end() {
    state.withLock { $0.ended = true }
  }

  private func serve() {
    while !state.withLock({ $0.ended }) {
      var entry = pollfd(fd: listening, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, 50) > 0 else { continue }
      let client = accept(listening, nil, nil)
      guard client >= 0 else { continue }
      state.withLock {
        $0.connections += 1
        $0.cutNow = false
      }
      if let broker = connected(port: target) {
        pass(client, broker)
        hangUp(broker)
      }
      hangUp(client)
    }
    close(listening)
  }

  private func pass(_ client: Int32, _ broker: Int32) {
    var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    while true {
      let now = state.withLock { $0 }
      if now.cutNow || now.ended { return }
      var entries = [
        pollfd(fd: broker, events: Int16(POLLIN), revents: 0),
        pollfd(fd: now.holdsAcknowledgements ? -1 : client, events: Int16(POLLIN), revents: 0),
      ]
      guard poll(&entries, 2, 10) > 0 else { continue }
      for (index, entry) in entries.enumerated() where entry.revents != 0 {
        let isDown = index == 0
        let budget = isDown ? now.downBudget : now.upBudget
        let count = read(entry.fd, &buffer, min(buffer.count, budget))
        guard count > 0 else { return }
        guard send(isDown ? client : broker, buffer, count, Int32(MSG_NOSIGNAL)) == count else { return }
        guard budget != .max else { continue }
        let left = state.withLock { state in
          if isDown { state.downBudget -= count } else { state.upBudget -= count }
          return isDown ? state.downBudget : state.upBudget
        }
        if left <= 0 {
          state.withLock {
            $0.downBudget = .max
            $0.upBudget = .max
          }
          return
        }
      }
    }
  }
}

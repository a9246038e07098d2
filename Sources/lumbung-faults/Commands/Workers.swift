import CFaultVFS
import Glibc

/// Shares work among processes, one for each core: SQLite's chance and Swift's are a process's own, so that a try comes
/// out the same whoever else is at work, and a trap ends one process and is seen.
struct Workers {
  struct Refusal: Error, CustomStringConvertible {
    let description: String
  }

  /// How far the one process is, for the others to see.
  struct Progress {
    fileprivate let cell: UnsafeMutablePointer<Int64>

    /// Tries done, and what is being tried, for whoever must find what ended the process.
    func note(done: Int, seed: UInt64, number: Int) {
      cell[0] = Int64(done)
      cell[1] = Int64(bitPattern: seed)
      cell[2] = Int64(number)
    }
  }

  private static let cellSize = 3

  /// Calls `body` in each process with its number and how many there are, and adds up what they return.
  static func run(
    _ name: String, count: Int, _ body: (_ number: Int, _ count: Int, Progress) throws -> Tally
  ) throws -> Tally {
    guard let cells = lumbung_fault_shared(count * cellSize) else { throw Refusal(description: "no memory to share") }
    defer { munmap(cells, count * cellSize * MemoryLayout<Int64>.size) }
    var children: [(pid: pid_t, pipe: Int32)] = []
    for number in 0..<count {
      var ends: [Int32] = [0, 0]
      guard pipe(&ends) == 0 else { throw Refusal(description: "no pipe: \(String(cString: strerror(errno)))") }
      let pid = lumbung_fault_fork()
      guard pid >= 0 else { throw Refusal(description: "no process: \(String(cString: strerror(errno)))") }
      if pid == 0 {
        close(ends[0])
        var tally = Tally()
        do {
          tally = try body(number, count, Progress(cell: cells + number * cellSize))
        } catch {
          tally.find("the proof itself failed: \(error)")
        }
        send(tally.lines, to: ends[1])
        _exit(0)
      }
      close(ends[1])
      children.append((pid, ends[0]))
    }
    return gather(name, children, cells)
  }

  private static func send(_ text: String, to pipe: Int32) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { write(pipe, $0.baseAddress, $0.count) }
      guard written > 0 else { return }
      rest = rest.dropFirst(written)
    }
  }

  private static func gather(
    _ name: String, _ children: [(pid: pid_t, pipe: Int32)], _ cells: UnsafeMutablePointer<Int64>
  ) -> Tally {
    var texts = [[UInt8]](repeating: [], count: children.count)
    var open = Set(children.indices)
    var told = 0
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while !open.isEmpty {
      for index in open.sorted() {
        var waiting = pollfd(fd: children[index].pipe, events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, 500) > 0 else { continue }
        let got = read(children[index].pipe, &chunk, chunk.count)
        if got > 0 { texts[index] += chunk[..<got] } else { open.remove(index) }
      }
      told += 1
      if told % 20 == 0 {
        let done = children.indices.reduce(0) { $0 + cells[$1 * cellSize] }
        tell("\(name): \(done) tried\n")
      }
    }
    var total = Tally()
    for (index, child) in children.enumerated() {
      close(child.pipe)
      var status: Int32 = 0
      while waitpid(child.pid, &status, 0) < 0, errno == EINTR {}
      total.add(Tally(lines: String(decoding: texts[index], as: UTF8.self)))
      if status != 0 {
        let seed = UInt64(bitPattern: cells[index * cellSize + 1])
        total.find("--seed \(seed) --only \(cells[index * cellSize + 2]): the process ended with status \(status)")
      }
    }
    return total
  }

  static func tell(_ text: String) {
    _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) }
  }
}

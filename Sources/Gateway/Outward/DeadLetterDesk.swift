import Glibc
import Outbox
import Telemetry

/// Does what `lumbung deadletters` asks for. The daemon alone writes the outbox, so the command leaves a small file in
/// the store's folder `requests`, which is read here now and then, and removed when it is done.
///
/// A file has one line for each dead letter: `retry 17` or `drop 17`.
public struct DeadLetterDesk {
  public static let folder = "requests"
  public static let prefix = "deadletters-"
  /// A file for the 10,000 that there may be is smaller.
  private static let longest = 256 << 10

  private let path: String
  private let outbox: Outbox
  private let log: (String) -> Void

  init(store: String, outbox: Outbox, log: @escaping (String) -> Void) {
    path = "\(store)/\(DeadLetterDesk.folder)"
    self.outbox = outbox
    self.log = log
  }

  func look() throws {
    for name in names() {
      let file = "\(path)/\(name)"
      let text = read(file)
      // Before the work: a file that can't be removed must not be done again for ever.
      let taken = "\(path)/taken-\(name)"
      guard rename(file, taken) == 0 else {
        log("\(file) can't be taken: \(String(cString: strerror(errno))); it is not done")
        continue
      }
      let (retried, dropped) = DeadLetterDesk.parse(text)
      let (retrying, gone): (Int, Int)
      do {
        retrying = try outbox.retryDeadLetters(retried)
        gone = try outbox.dropDeadLetters(dropped)
      } catch {
        // On a full disk, say: it is asked for again at the next look.
        rename(taken, file)
        throw error
      }
      unlink(taken)
      log("dead letters: \(retrying) are sent once more, \(gone) are dropped, as was asked for")
    }
  }

  static func parse(_ text: String) -> (retried: [Int64], dropped: [Int64]) {
    var retried: [Int64] = []
    var dropped: [Int64] = []
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count == 2, let id = Int64(String(words[1])), id > 0 else { continue }
      switch words[0] {
      case "retry": retried.append(id)
      case "drop": dropped.append(id)
      default: break
      }
    }
    return (retried, dropped)
  }

  private func names() -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasPrefix(DeadLetterDesk.prefix) { names.append(name) }
    }
    return names.sorted()
  }

  private func read(_ file: String) -> String {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: DeadLetterDesk.longest)
    let count = Glibc.read(descriptor, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }
}

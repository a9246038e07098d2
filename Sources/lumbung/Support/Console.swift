import Glibc

/// Reports go to standard output, diagnostics to standard error; both written at once and whole.
enum Console {
  static func print(_ text: String) { write(Array((text + "\n").utf8), to: STDOUT_FILENO) }

  static func error(_ text: String) { write(Array((text + "\n").utf8), to: STDERR_FILENO) }

  static func write(_ bytes: [UInt8], to descriptor: Int32 = STDOUT_FILENO) {
    bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty {
        let written = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if written < 0 {
          if errno == EINTR { continue }
          // A reader that went away (`| head`) wants no more.
          exit(errno == EPIPE ? 0 : Exit.io)
        }
        rest = rest.dropFirst(written)
      }
    }
  }

  static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
}

/// Gathers lines and writes them by the block.
struct LineWriter {
  private var buffer: [UInt8] = []
  private static let block = 64 * 1024

  mutating func line(_ bytes: some Sequence<UInt8>) {
    buffer.append(contentsOf: bytes)
    buffer.append(UInt8(ascii: "\n"))
    if buffer.count >= LineWriter.block { flush() }
  }

  mutating func flush() {
    Console.write(buffer)
    buffer.removeAll(keepingCapacity: true)
  }
}

import Glibc

/// Small files of text, read whole and replaced whole.
enum TextFile {
  private static let largest = 4 << 20

  /// Ends the command with 74 where it can't be read.
  static func read(_ path: String) throws -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(path) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while bytes.count < largest {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure(path) }
      guard count > 0 else { break }
      bytes += chunk[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Written beside it first, so that nobody sees half a file. Ends the command with 74 where it can't be written.
  static func write(_ text: String, to path: String) throws {
    let temporary = "\(path).\(getpid()).new"
    // Readable by the group alone, as a configuration is.
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else { throw failure(path) }
    var isWhole = true
    Array(text.utf8).withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty {
        let written = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if written < 0 {
          if errno == EINTR { continue }
          isWhole = false
          return
        }
        rest = rest.dropFirst(written)
      }
    }
    guard isWhole, fsync(descriptor) == 0, close(descriptor) == 0, rename(temporary, path) == 0 else {
      let error = failure(path)
      unlink(temporary)
      throw error
    }
  }

  private static func failure(_ path: String) -> any Error {
    Exit.failing(Exit.io, "\(path): \(String(cString: strerror(errno)))")
  }
}

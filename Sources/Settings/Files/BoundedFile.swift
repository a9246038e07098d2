import Glibc

/// Reads whole files that have no business being large.
enum BoundedFile {
  struct Content {
    let bytes: [UInt8]
    /// Permission bits of the file that was read, not of what the name points to a moment later.
    let permissions: UInt32
  }

  enum Failure: Error, Equatable {
    case absent
    case denied
    case notAFile
    /// Larger than the limit.
    case tooLarge
    /// Anything else that the system says.
    case system(Int32)

    var reason: String {
      switch self {
      case .absent: "there is no such file"
      case .denied: "permission denied"
      case .notAFile: "it is not a regular file"
      case .tooLarge: "it is too large"
      case .system(let code): String(cString: strerror(code))
      }
    }
  }

  static func read(_ path: String, limit: Int) throws(Failure) -> Content {
    guard !path.utf8.contains(0) else { throw .absent }
    // Without O_NONBLOCK, opening a pipe would wait for its writer.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure(errno) }
    defer { close(descriptor) }
    var info = stat()
    guard fstat(descriptor, &info) == 0 else { throw failure(errno) }
    guard info.st_mode & S_IFMT == S_IFREG else { throw .notAFile }
    guard info.st_size <= limit else { throw .tooLarge }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(info.st_size))
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count == 0 { break }
      guard count > 0 else {
        if errno == EINTR { continue }
        throw failure(errno)
      }
      bytes.append(contentsOf: buffer[..<count])
      // The file may have grown since it was measured.
      guard bytes.count <= limit else { throw .tooLarge }
    }
    return Content(bytes: bytes, permissions: info.st_mode & 0o7777)
  }

  private static func failure(_ code: Int32) -> Failure {
    switch code {
    case ENOENT, ENOTDIR: .absent
    case EACCES, EPERM: .denied
    default: .system(code)
    }
  }
}

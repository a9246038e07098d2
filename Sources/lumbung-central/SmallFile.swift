import Glibc

/// Reads files that people write by hand.
enum SmallFile {
  struct Failure: Error {
    var reason: String
  }

  /// Far more than any list of tokens needs.
  private static let maximumSize = 64 << 10

  /// The text of a file that holds secrets: refused where every user of the machine may read it.
  static func secrets(_ path: String) throws(Failure) -> String {
    guard let file = fopen(path, "re") else { throw unreadable() }
    defer { fclose(file) }
    var status = stat()
    guard fstat(fileno(file), &status) == 0 else { throw unreadable() }
    guard status.st_mode & S_IFMT != S_IFREG || status.st_mode & 0o007 == 0 else {
      throw Failure(
        reason: """
          every user of this machine may read it (chmod 640 \(path), and chgrp it to the group that this runs in)
          """)
    }
    var bytes = [UInt8](repeating: 0, count: maximumSize + 1)
    let count = fread(&bytes, 1, bytes.count, file)
    guard ferror(file) == 0 else { throw unreadable() }
    guard count <= maximumSize else { throw Failure(reason: "is larger than \(maximumSize) bytes") }
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  private static func unreadable() -> Failure { Failure(reason: "can't be read: \(String(cString: strerror(errno)))") }
}

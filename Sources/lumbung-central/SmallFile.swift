import Glibc

/// Reads files that people write by hand.
enum SmallFile {
  struct Failure: Error {
    var reason: String
  }

  /// Far more than any list of tokens needs.
  private static let maximumSize = 64 << 10

  static func text(_ path: String) throws(Failure) -> String {
    guard let file = fopen(path, "re") else { throw unreadable() }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: maximumSize + 1)
    let count = fread(&bytes, 1, bytes.count, file)
    guard ferror(file) == 0 else { throw unreadable() }
    guard count <= maximumSize else { throw Failure(reason: "is larger than \(maximumSize) bytes") }
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  private static func unreadable() -> Failure { Failure(reason: "can't be read: \(String(cString: strerror(errno)))") }
}

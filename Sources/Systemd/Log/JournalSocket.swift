import Glibc

/// systemd's journal, where standard error leads there: entries keep their priority and their fields, which a line of
/// text would lose. Safe from any thread; it never blocks.
public final class JournalSocket: Sendable {
  /// Where the journal listens.
  public static let standardPath = "/run/systemd/journal/socket"

  private let descriptor: Int32
  private let path: String

  /// - Parameters:
  ///   - stream: `JOURNAL_STREAM`: device and inode of what systemd has connected to standard error.
  ///   - output: the descriptor of standard error.
  /// - Returns: `nil` where standard error leads elsewhere, so that what is redirected stays redirected.
  public init?(
    stream: String? = Notifier.variable("JOURNAL_STREAM"), output: Int32 = STDERR_FILENO,
    path: String = JournalSocket.standardPath
  ) {
    var figures = stat()
    guard let stream, fstat(output, &figures) == 0, stream == "\(figures.st_dev):\(figures.st_ino)",
      path.utf8.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path)
    else { return nil }
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    self.path = path
  }

  deinit { close(descriptor) }

  /// Returns whether it was handed over; where the journal is too busy or gone, it was not.
  public func send(_ entry: JournalEntry) -> Bool {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let sent = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(
          descriptor, entry.bytes, entry.bytes.count, Int32(MSG_NOSIGNAL), $0,
          socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    return sent == entry.bytes.count
  }
}

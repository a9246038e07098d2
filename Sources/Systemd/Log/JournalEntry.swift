/// One entry of systemd's journal in the form that its socket takes: see systemd's JOURNAL_NATIVE_PROTOCOL.
public struct JournalEntry: Sendable, Equatable {
  public private(set) var bytes: [UInt8] = []

  /// A longer message is cut: what devices and servers say may be part of it.
  public static let longestMessage = 4096
  /// The journal's own limit for names of fields.
  private static let longestName = 64

  /// - Parameter priority: of syslog(3): 7 is debug, 6 info, 5 notice, 4 warning, 3 error, 2 critical.
  public init(identifier: String, priority: Int, message: String) {
    add("PRIORITY", "\(priority)")
    add("SYSLOG_IDENTIFIER", identifier)
    add("MESSAGE", message)
  }

  /// Adds a field of our own: `LUMBUNG_` and the name in capitals, with underscores for what a name may not hold.
  public mutating func add(own name: String, _ value: String) {
    let legal = name.utf8.prefix(JournalEntry.longestName - 8).map { byte -> UInt8 in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 32
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
      default: UInt8(ascii: "_")
      }
    }
    add("LUMBUNG_" + String(decoding: legal, as: UTF8.self), value)
  }

  private mutating func add(_ name: String, _ value: String) {
    let value = Array(value.utf8.prefix(JournalEntry.longestMessage))
    bytes += name.utf8
    if value.contains(UInt8(ascii: "\n")) {
      // A value of several lines has its length before it, so that no line of it can pose as another field.
      bytes.append(UInt8(ascii: "\n"))
      withUnsafeBytes(of: UInt64(value.count).littleEndian) { bytes += $0 }
    } else {
      bytes.append(UInt8(ascii: "="))
    }
    bytes += value
    bytes.append(UInt8(ascii: "\n"))
  }
}

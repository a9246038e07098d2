import Glibc
import Telemetry

/// A time zone, as far as it takes to turn a device's naive local time into an instant.
///
/// Reads the TZif files of the system (RFC 8536), so that no ICU is needed. After the last transition of a file, the
/// fixed offset of its footer holds, or where the footer has rules for summer time, the last transition's offset.
final class LocalZone {
  let name: String
  /// Seconds since the epoch from which `offsets[index]` holds; ascending.
  private let transitions: [Int64]
  /// Seconds east of UTC.
  private let offsets: [Int64]
  private let first: Int64
  /// Holds after the last transition, where the footer says so.
  private let last: Int64?

  private init(name: String, first: Int64, transitions: [Int64] = [], offsets: [Int64] = [], last: Int64? = nil) {
    self.name = name
    self.first = first
    self.transitions = transitions
    self.offsets = offsets
    self.last = last
  }

  /// `nil` where there is no such zone.
  convenience init?(named name: String, directory: String = "/usr/share/zoneinfo") {
    guard LocalZone.isName(name) else { return nil }
    if let bytes = LocalZone.read("\(directory)/\(name)"), let file = TZifFile(bytes) {
      self.init(
        name: name, first: file.first, transitions: file.transitions, offsets: file.offsets, last: file.footerOffset)
    } else if let offset = LocalZone.fixed[name] {
      self.init(name: name, first: offset)
    } else {
      return nil
    }
  }

  /// The zones of Indonesia have no summer time; they work on a box without zone files, too.
  private static let fixed: [String: Int64] = [
    "UTC": 0, "Etc/UTC": 0, "Asia/Jakarta": 25_200, "Asia/Pontianak": 25_200, "Asia/Makassar": 28_800,
    "Asia/Jayapura": 32_400,
  ]

  private static func isName(_ name: String) -> Bool {
    guard !name.isEmpty, name.utf8.count <= 64, !name.hasPrefix("/"), !name.contains("..") else { return false }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"),
        UInt8(ascii: "/"):
        true
      default: false
      }
    }
  }

  private static func read(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "rbe") else { return nil }
    defer { fclose(file) }
    // The largest zone file is 4 KiB; a directory reads as nothing.
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = fread(&bytes, 1, bytes.count, file)
    guard count > 0, count < bytes.count else { return nil }
    return Array(bytes[..<count])
  }

  /// Seconds east of UTC at an instant.
  func offset(at instant: Int64) -> Int64 {
    var low = 0
    var high = transitions.count
    while low < high {
      let middle = (low + high) / 2
      if transitions[middle] <= instant { low = middle + 1 } else { high = middle }
    }
    if low == 0 { return first }
    if low == transitions.count, let last { return last }
    return offsets[low - 1]
  }

  /// The instant at which a clock of this zone shows `local`. Of two such, the earlier; in a gap, the time that the
  /// clock would show had it not been put forward.
  func instant(ofLocal local: Timestamp) -> Timestamp {
    let seconds = local.nanoseconds.flooredQuotient(1_000_000_000)
    let before = offset(at: seconds - 86_400)
    let guess = offset(at: seconds - before)
    let chosen = guess == before ? before : (offset(at: seconds - guess) == guess ? guess : before)
    return local - .seconds(chosen)
  }
}

/// A size in bytes, written `64MiB`, `10kB`, `512`.
public struct ByteSize: Hashable, Comparable, Sendable, CustomStringConvertible {
  public var bytes: Int64

  public init(bytes: Int64) { self.bytes = bytes }
  public static func mebibytes(_ count: Int64) -> ByteSize { ByteSize(bytes: count << 20) }
  public static func < (a: ByteSize, b: ByteSize) -> Bool { a.bytes < b.bytes }

  private static let units: [(suffix: String, bytes: Double)] = [
    ("B", 1), ("", 1), ("kB", 1e3), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12),
    ("KiB", 1024), ("MiB", 1_048_576), ("GiB", 1_073_741_824), ("TiB", 1_099_511_627_776),
  ]

  /// `nil` for anything that is no size, negative ones included.
  public init?(_ text: some StringProtocol) {
    guard let (number, suffix) = splitQuantity(text),
      let unit = ByteSize.units.first(where: { $0.suffix == suffix }),
      number * unit.bytes < 9e18
    else { return nil }
    bytes = Int64((number * unit.bytes).rounded())
  }

  /// For people: three digits at most, in binary units.
  public var description: String {
    var value = Double(bytes)
    var suffix = "B"
    for next in ["KiB", "MiB", "GiB", "TiB"] where value >= 1024 {
      value /= 1024
      suffix = next
    }
    if suffix == "B" || value >= 100 { return "\(Int64(value.rounded())) \(suffix)" }
    return "\((value * 10).rounded() / 10) \(suffix)"
  }
}

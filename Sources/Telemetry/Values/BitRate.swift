/// A rate of data in bits per second, written `256kbit/s`, `2Mbit/s`, `64kB/s`.
public struct BitRate: Hashable, Comparable, Sendable {
  public var bitsPerSecond: Double

  public init(bitsPerSecond: Double) { self.bitsPerSecond = bitsPerSecond }
  public static func < (a: BitRate, b: BitRate) -> Bool { a.bitsPerSecond < b.bitsPerSecond }

  private static let units: [(suffix: String, bits: Double)] = [
    ("bit/s", 1), ("kbit/s", 1e3), ("Mbit/s", 1e6), ("Gbit/s", 1e9), ("B/s", 8), ("kB/s", 8e3), ("MB/s", 8e6),
  ]

  public init?(_ text: some StringProtocol) {
    guard let (number, suffix) = splitQuantity(text),
      let unit = BitRate.units.first(where: { $0.suffix == suffix }), number > 0
    else { return nil }
    bitsPerSecond = number * unit.bits
  }
}

/// One of the gateway's hot parts, by itself and on the same work each time.
public struct HotPart {
  /// What is done before, which isn't measured, and what is measured.
  public typealias Preparation = (Workplace) throws -> () throws -> Void

  public let name: String
  /// What the cost is divided by: "message", "window".
  public let unit: String
  /// How many of these one run does.
  public let count: Int
  /// Makes everything ready, and once has done what is done the first time only. What it returns is run once.
  public let prepare: Preparation

  init(_ name: String, per unit: String, count: Int, prepare: @escaping Preparation) {
    self.name = name
    self.unit = unit
    self.count = count
    self.prepare = prepare
  }

  /// All of them, in the order of a message's way.
  public static var all: [HotPart] { intake + decoding + gathering + storing + deriving }
}

/// What the births of one node, or of one device behind it, have named by number: later messages have the number alone.
final class SparkplugAliases {
  /// More than a birth may have; of the rest, nothing is known.
  static let most = 4096
  /// In bytes; longer ones are no metrics'.
  static let longestName = 256

  private var names: [UInt64: [UInt8]] = [:]
  /// Whether some metric's name was ever one that tells of people.
  private(set) var tellsOfPeople = false

  /// A birth ends what the one before has said.
  func begin() { names.removeAll(keepingCapacity: true) }

  func learn(_ alias: UInt64, _ name: [UInt8]) {
    guard names.count < SparkplugAliases.most, name.count <= SparkplugAliases.longestName else { return }
    names[alias] = name
  }

  func note() { tellsOfPeople = true }

  /// `nil` where no birth was seen that named it: it may be anything.
  func name(_ alias: UInt64) -> [UInt8]? { names[alias] }
}

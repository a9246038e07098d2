/// All that is wrong with a configuration file, in the order of its lines; never empty.
public struct SettingsFaults: Error, Sendable, Hashable, CustomStringConvertible {
  public let faults: [SettingsFault]

  public init(_ faults: [SettingsFault]) { self.faults = faults }

  /// One fault a line.
  public var description: String { faults.map(\.description).joined(separator: "\n") }
}

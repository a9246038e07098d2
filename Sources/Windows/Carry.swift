import Telemetry

/// The last reading of a counter or a state before a window: what the window's figures count from.
public struct Carry: Sendable, Equatable {
  public enum Value: Sendable, Equatable {
    case number(Double)
    case state(String)
  }

  public var value: Value
  public var time: Timestamp

  public init(value: Value, time: Timestamp) {
    self.value = value
    self.time = time
  }
}

/// The carries of one device, by `Series.index`.
public typealias Carries = [Int: Carry]

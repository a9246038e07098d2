import ArgumentParser
import Telemetry

extension Span: @retroactive ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}

extension Timestamp: @retroactive ExpressibleByArgument {
  public init?(argument: String) {
    guard let time = RFC3339.parse(argument) else { return nil }
    self = time
  }
}

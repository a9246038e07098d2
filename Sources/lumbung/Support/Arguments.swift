import ArgumentParser
import Telemetry

extension Span: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}

extension Timestamp: ExpressibleByArgument {
  public init?(argument: String) {
    guard let time = RFC3339.parse(argument) else { return nil }
    self = time
  }
}

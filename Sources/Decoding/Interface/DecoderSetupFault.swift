/// Why a source cannot be compiled: what is wrong in the configuration, and what helps.
public struct DecoderSetupFault: Error, Sendable, Equatable, CustomStringConvertible {
  /// The source's name; empty where the fault is the gateway's.
  public let source: String
  /// The configuration's key: `format`, `device`, `time.path`, `metric[2].path`, `timezone` …
  public let key: String
  public let reason: String
  public let hint: String?

  init(source: String, key: String, _ reason: String, hint: String? = nil) {
    self.source = source
    self.key = key
    self.reason = reason
    self.hint = hint
  }

  public var description: String {
    let place = source.isEmpty ? key : "source \"\(source)\", \(key)"
    return "\(place): \(reason)" + (hint.map { " (\($0))" } ?? "")
  }
}

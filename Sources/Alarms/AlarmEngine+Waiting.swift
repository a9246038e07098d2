import Telemetry

extension AlarmEngine {
  /// The shortest silence or hold that any of the rules waits for, `nil` where none waits: while nothing arrives, time
  /// must be told that often.
  public static func shortestWait(of rules: [AlarmRule]) -> Span? {
    let silences = rules.compactMap { if case .missing(let span) = $0.condition { span } else { nil } }
    return (silences + rules.map(\.hold).filter { $0 > .zero }).min()
  }
}

/// `[log] level`: the least grave of what is written to standard error.
public enum LogLevel: String, Sendable, CaseIterable {
  case trace, debug, info, notice, warning, error
}

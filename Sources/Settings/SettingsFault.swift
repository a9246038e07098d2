/// One thing that is wrong with a configuration file, with its place and what helps.
public struct SettingsFault: Error, Sendable, Hashable, CustomStringConvertible {
  /// The file as it was named by whoever asked for it.
  public let file: String
  /// Counts from 1; `nil` where the fault has no place in the text, such as a file that can't be read.
  public let line: Int?
  public let message: String
  /// What to do about it.
  public let hint: String?

  public init(file: String, line: Int?, message: String, hint: String? = nil) {
    self.file = file
    self.line = line
    self.message = message
    self.hint = hint
  }

  /// `FILE:LINE: message (hint)`, on one line.
  public var description: String {
    let place = line.map { "\(file):\($0)" } ?? file
    return "\(place): \(message)" + (hint.map { " (\($0))" } ?? "")
  }
}

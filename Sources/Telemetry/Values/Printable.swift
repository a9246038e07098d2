/// Makes what devices and servers sent fit for a log, a terminal, a comment and a person.
public enum Printable {
  /// At most `limit` characters, an ellipsis after them where more follow. What a terminal would act upon, and what
  /// doesn't show, is written as `\u{1b}`.
  ///
  /// - Parameter more: whether more follows that is not in `text`.
  public static func text(_ text: String, limit: Int, more: Bool = false) -> String {
    var out = ""
    var count = 0
    for scalar in text.unicodeScalars {
      guard count < limit else { return out + "…" }
      count += 1
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
        out += "\\u{" + String(scalar.value, radix: 16) + "}"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return more ? out + "…" : out
  }
}

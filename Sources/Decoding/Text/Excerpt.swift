import Telemetry

/// A piece of something hostile, fit for a log or a terminal.
enum Excerpt {
  /// At most `limit` characters, an ellipsis after them where more follow. Control, format and line-breaking
  /// characters are written as `\u{1b}`; invalid UTF-8 becomes U+FFFD.
  static func text(_ bytes: UnsafeRawBufferPointer, limit: Int) -> String {
    // A character has at most a few bytes; four times the limit and one is enough to know that more follows.
    let head = UnsafeRawBufferPointer(rebasing: bytes.prefix(limit * 4 + 4))
    let cut = head.count < bytes.count
    return Printable.text(String(decoding: head, as: UTF8.self), limit: limit, more: cut)
  }

  static func text(_ text: String, limit: Int) -> String { Printable.text(text, limit: limit) }
}

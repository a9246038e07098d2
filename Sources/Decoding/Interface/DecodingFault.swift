/// Why a payload, or one value of it, could not be decoded, and where it stands.
///
/// No text of a fault carries more than 40 characters of the payload, and those with control characters escaped: such
/// texts end up in logs, pages and terminals.
public struct DecodingFault: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Place: Sendable, Equatable {
    /// The payload as a whole.
    case payload
    /// Offset in the payload, from 0.
    case byte(Int)
    /// JSON Pointer, or the format's own path (a metric's name); shortened and escaped already.
    case path(String)
  }

  public let place: Place
  public let reason: String
  /// The limit that was hit, where one was.
  public let limit: DecodingLimits.Kind?

  /// How many characters of a payload an error text shows at most.
  static let shown = 40

  init(payload reason: String, limit: DecodingLimits.Kind? = nil) {
    place = .payload
    self.reason = reason
    self.limit = limit
  }

  init(byte: Int, _ reason: String, limit: DecodingLimits.Kind? = nil) {
    place = .byte(byte)
    self.reason = reason
    self.limit = limit
  }

  /// `showing` follows the reason as far as the path leaves room for it.
  init(
    path: String, _ reason: String, showing bytes: UnsafeRawBufferPointer? = nil, limit: DecodingLimits.Kind? = nil
  ) {
    self.limit = limit
    let shortened = Excerpt.text(path, limit: DecodingFault.shown)
    place = .path(shortened)
    // The path, too, is made of the payload's keys.
    let room = DecodingFault.shown - min(path.count, DecodingFault.shown)
    if let bytes, room >= 4 {
      self.reason = "\(reason): \"\(Excerpt.text(bytes, limit: room))\""
    } else {
      self.reason = reason
    }
  }

  /// One line: `byte 17: …`, `/a/b: …`.
  public var description: String {
    switch place {
    case .payload: "payload: \(reason)"
    case .byte(let offset): "byte \(offset): \(reason)"
    case .path(let path): "\(path.isEmpty ? "payload" : path): \(reason)"
    }
  }
}

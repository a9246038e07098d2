/// How far the times of a record can be trusted.
public enum TimeQuality: String, Sendable, Comparable {
  /// The box's clock was synchronised when everything in it was stamped.
  case trusted
  /// Stamped before the clock was right, mended since.
  case corrected
  /// Stamped by a clock that nobody vouches for.
  case untrusted

  private var rank: Int {
    switch self {
    case .trusted: 0
    case .corrected: 1
    case .untrusted: 2
    }
  }

  /// The worse is the greater.
  public static func < (a: TimeQuality, b: TimeQuality) -> Bool { a.rank < b.rank }
}

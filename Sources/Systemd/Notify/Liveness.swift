import Telemetry

/// Decides whether a watchdog may be fed: only while every station has made progress, or has rightly nothing to do.
///
/// A value without clocks. Feed no less often than every quarter of the watchdog's interval; a station that stands still
/// with work before it for half an interval starves the watchdog, which then bites within one and a half.
public struct Liveness: Sendable {
  /// What one thread has to show.
  public struct Station: Sendable, Equatable {
    public var name: String
    /// Grows with each piece of work, however small.
    public var progress: UInt64
    /// Whether standing still would be wrong.
    public var hasWork: Bool

    public init(_ name: String, progress: UInt64, hasWork: Bool) {
      self.name = name
      self.progress = progress
      self.hasWork = hasWork
    }
  }

  public enum Verdict: Sendable, Equatable {
    case feed
    /// These stand still, and for how long the first of them has.
    case starve([String], standing: Span)
  }

  private struct Seen {
    var progress: UInt64
    var since: Span
  }

  private let patience: Span
  private var seen: [String: Seen] = [:]

  /// - Parameters:
  ///   - interval: the watchdog's.
  ///   - atLeast: how long a station may stand still in any case: longer than any of them sleeps.
  public init(interval: Span, atLeast: Span = .zero) {
    patience = max(Span(nanoseconds: interval.nanoseconds / 2), atLeast)
  }

  /// - Parameter now: a monotonic clock.
  public mutating func look(_ stations: [Station], at now: Span) -> Verdict {
    var stuck: [String] = []
    var standing = Span.zero
    for station in stations {
      guard station.hasWork, let last = seen[station.name], last.progress == station.progress else {
        seen[station.name] = Seen(progress: station.progress, since: now)
        continue
      }
      let time = Span(nanoseconds: now.nanoseconds - last.since.nanoseconds)
      guard time > patience else { continue }
      stuck.append(station.name)
      standing = max(standing, time)
    }
    return stuck.isEmpty ? .feed : .starve(stuck, standing: standing)
  }
}

import Synchronization
import Telemetry

/// How far a time zone is east of UTC at an instant, for whoever must know what the calendar on the wall says.
public final class ZoneOffset: Sendable {
  // A lock around what never changes: the zone is no Sendable type.
  private let zone: Mutex<LocalZone?>

  /// A zone that isn't known counts as UTC; the configuration's was looked up when it was read.
  public init(zone name: String) { zone = Mutex(LocalZone(named: name)) }

  public func offset(at time: Timestamp) -> Span {
    let seconds = time.nanoseconds.flooredQuotient(1_000_000_000)
    return .seconds(zone.withLock { $0?.offset(at: seconds) ?? 0 })
  }
}

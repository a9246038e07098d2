import Decoding
import Journal
import Telemetry
import Uplinks

/// What the calendar on the gateway's wall says, and whether it may be believed.
struct GatewayCalendar: Sendable {
  private let zone: ZoneOffset
  private let alwaysTrusts: Bool

  init(timezone: String, alwaysTrusts: Bool) {
    zone = ZoneOffset(zone: timezone)
    self.alwaysTrusts = alwaysTrusts
  }

  var now: CalendarMoment {
    let clock = ClockReading.now()
    return CalendarMoment(
      wall: clock.wall, offset: zone.offset(at: clock.wall), isTrusted: alwaysTrusts || clock.synchronised)
  }
}

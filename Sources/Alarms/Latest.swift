import Telemetry

/// The latest time of something, and where it was read.
struct Latest {
  var time = Timestamp(nanoseconds: .min)
  var segment: Int64 = 0
  /// It was handed out to be written down.
  var isKept = true

  mutating func note(_ time: Timestamp, _ segment: Int64) {
    if time > self.time { self = Latest(time: time, segment: segment, isKept: false) }
  }

  func isDue(before bound: Int64) -> Bool { !isKept && segment < bound }

  /// Nothing can have been later than this.
  mutating func setBack(to time: Timestamp) {
    if self.time > time { self = Latest(time: time, isKept: false) }
  }
}

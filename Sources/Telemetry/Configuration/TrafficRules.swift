/// What an uplink may use of its link, and when.
public struct TrafficRules: Sendable, Hashable {
  /// A stretch of the day in the gateway's own time, `22:00-05:00`: from the first minute up to, not including, the
  /// second; over midnight where the second is the earlier one.
  public struct Hours: Sendable, Hashable, CustomStringConvertible {
    /// Minutes since midnight, 0 to 1440.
    public var from: Int
    public var to: Int

    /// `nil` for anything that isn't written so, or is empty.
    public init?(_ text: some StringProtocol) {
      let ends = text.split(separator: "-", omittingEmptySubsequences: false)
      guard ends.count == 2, let from = Hours.minutes(ends[0]), let to = Hours.minutes(ends[1]), from != to else {
        return nil
      }
      (self.from, self.to) = (from, to)
    }

    private static func minutes(_ text: some StringProtocol) -> Int? {
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { $0 &- 48 < 10 } }),
        let hour = Int(String(parts[0])), let minute = Int(String(parts[1])), minute < 60,
        hour < 24 || (hour == 24 && minute == 0)
      else { return nil }
      return hour * 60 + minute
    }

    public func contains(minute: Int) -> Bool {
      from < to ? minute >= from && minute < to : minute >= from || minute < to
    }

    public var description: String { "\(Hours.text(from))-\(Hours.text(to))" }

    private static func text(_ minutes: Int) -> String {
      func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
      return two(minutes / 60) + ":" + two(minutes % 60)
    }
  }

  /// The most that is sent and received in a second, alarms apart.
  public var maxRate: BitRate?
  /// The part of `maxRate` and of `monthlyBudget` that backlog and backfill leave to live data, 0 to 0.9.
  public var liveShare: Double
  /// When backlog and backfill may be sent; empty for always.
  public var backlogHours: [Hours]
  /// The most that is sent and received in a calendar month, alarms and a trickle apart.
  public var monthlyBudget: ByteSize?

  public init(
    maxRate: BitRate? = nil, liveShare: Double = 0.25, backlogHours: [Hours] = [], monthlyBudget: ByteSize? = nil
  ) {
    self.maxRate = maxRate
    self.liveShare = liveShare
    self.backlogHours = backlogHours
    self.monthlyBudget = monthlyBudget
  }
}

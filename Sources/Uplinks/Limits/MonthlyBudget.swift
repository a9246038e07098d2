import Telemetry

/// What an uplink has used of a calendar month's allowance.
public struct MonthlyBudget: Sendable, Equatable {
  public let limit: Int64
  /// `CalendarMoment.month` for which `spent` counts; `nil` until a trusted clock has named one.
  public private(set) var month: Int64?
  public private(set) var spent: Int64

  public init(limit: Int64, month: Int64? = nil, spent: Int64 = 0) {
    self.limit = limit
    self.month = month
    self.spent = spent
  }

  public var left: Int64 { max(0, limit - spent) }

  /// A new month begins only on a trusted clock's word, and never an earlier one: a clock that was set back by mistake
  /// would otherwise grant the same allowance again.
  mutating func look(_ moment: CalendarMoment) {
    guard moment.isTrusted else { return }
    guard let month else {
      // What was used before the month had a name is this month's.
      self.month = moment.month
      return
    }
    if moment.month > month {
      self.month = moment.month
      spent = 0
    }
  }

  mutating func spend(_ bytes: Int64) {
    let (sum, overflow) = spent.addingReportingOverflow(max(0, bytes))
    spent = overflow ? .max : sum
  }
}

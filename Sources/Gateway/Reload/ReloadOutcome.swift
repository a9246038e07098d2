/// What a reload has brought about.
struct ReloadOutcome: Sendable, Equatable {
  /// For people, in a log and a status line.
  let text: String
  /// Whether all that was to take effect at once has.
  let isComplete: Bool

  /// - Parameter holdUp: why the new deriver isn't there yet; `nil` where it is, or none was needed.
  init(_ plan: ReloadPlan, holdUp: String?) {
    isComplete = holdUp == nil
    guard let holdUp else {
      text = plan.summary
      return
    }
    text = "\(plan.summary); messages are kept, but not derived by it yet: \(holdUp); it is tried again each second"
  }
}

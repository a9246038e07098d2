import Telemetry

/// Something that gets worse slowly, stays bad, is mended, and stays well: a third of the period each, in real time.
struct Drift: Sendable {
  let start: Span
  let period: Span

  /// 0 is well, 1 as bad as it gets.
  func level(at moment: Moment) -> Double {
    guard moment.at >= start else { return 0 }
    let phase = Double((moment.at.nanoseconds - start.nanoseconds) % period.nanoseconds) / Double(period.nanoseconds)
    if phase < 1.0 / 3 { return phase * 3 }
    return phase < 2.0 / 3 ? 1 : 0
  }
}

extension Drift? {
  func level(at moment: Moment) -> Double { self?.level(at: moment) ?? 0 }
}

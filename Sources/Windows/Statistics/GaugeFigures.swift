import Telemetry

#if canImport(Glibc)
  import Glibc
#endif

/// What a window keeps of a gauge. The order of arrival doesn't matter but for ties of first and last.
///
/// Most series report ten or twenty times a window: up to `Sketch.exactCount` values are kept as they are, and every
/// figure is formed of them in sorted order, so that the same values give the same figures to the last bit. Beyond,
/// sums that lose nothing take over.
struct GaugeFigures: Sendable, Equatable {
  /// Sums over values that are no longer kept.
  struct Sums: Sendable, Equatable {
    var minimum = Double.infinity
    var maximum = -Double.infinity
    var sum = CompensatedSum()
    var squares = CompensatedSum()
    /// Milliwatts for dBm; sines for angles.
    var first = CompensatedSum()
    /// Cosines for angles.
    var second = CompensatedSum()

    mutating func add(_ value: Double, _ scale: Scale) {
      minimum = Swift.min(minimum, value)
      maximum = Swift.max(maximum, value)
      sum.add(value)
      squares.add(value, times: value)
      switch scale {
      case .linear: break
      case .decibel: first.add(pow(10, value / 10))
      case .angle:
        first.add(sin(value * .pi / 180))
        second.add(cos(value * .pi / 180))
      }
    }

    mutating func merge(_ other: Sums) {
      minimum = Swift.min(minimum, other.minimum)
      maximum = Swift.max(maximum, other.maximum)
      sum.merge(other.sum)
      squares.merge(other.squares)
      first.merge(other.first)
      second.merge(other.second)
    }
  }

  /// How the values of a unit add up.
  enum Scale {
    case linear
    /// dBm: the mean is formed in milliwatts.
    case decibel
    /// Degrees: 359 and 1 are two apart, and their mean is 0.
    case angle

    init(unit: String) {
      switch unit {
      case "dBm": self = .decibel
      case "deg": self = .angle
      default: self = .linear
      }
    }
  }

  var first = 0.0
  var last = 0.0
  var firstTime = Timestamp(nanoseconds: .max)
  var lastTime = Timestamp(nanoseconds: .min)
  var sketch = Sketch()
  /// None while the sketch is exact, else one: boxed, for most series never need it.
  var sums: [Sums] = []

  var count: Int { sketch.count }

  mutating func add(_ value: Double, at time: Timestamp, unit: String) {
    if time < firstTime {
      first = value
      firstTime = time
    }
    if time >= lastTime {
      last = value
      lastTime = time
    }
    if sketch.count >= Sketch.exactCount {
      let scale = Scale(unit: unit)
      if sums.isEmpty { spill(scale) }
      sums[0].add(value, scale)
    }
    sketch.add(value)
  }

  /// Joins another window of the series, or another series of the same unit.
  mutating func merge(_ other: GaugeFigures, _ scale: Scale) {
    guard other.count > 0 else { return }
    if other.firstTime < firstTime { (first, firstTime) = (other.first, other.firstTime) }
    if other.lastTime >= lastTime { (last, lastTime) = (other.last, other.lastTime) }
    if sums.isEmpty, count + other.count > Sketch.exactCount { spill(scale) }
    if !sums.isEmpty {
      var others = other
      if others.sums.isEmpty { others.spill(scale) }
      sums[0].merge(others.sums[0])
    }
    sketch.merge(other.sketch)
  }

  private mutating func spill(_ scale: Scale) {
    var made = Sums()
    for value in sketch.sortedExact { made.add(value, scale) }
    sums = [made]
  }

  /// What a record says.
  struct Report {
    var minimum: Double
    var maximum: Double
    var sum: Double
    /// `nil` where angles cancel out.
    var mean: Double?
    /// Of the population.
    var deviation: Double?
    /// 50, 95 and 99.
    var percentiles: [Double]
  }

  func report(_ scale: Scale) -> Report? {
    guard count > 0 else { return nil }
    let sorted = sketch.sortedExact
    var total = Sums()
    if let kept = sums.first { total = kept } else { for value in sorted { total.add(value, scale) } }
    let n = Double(count)
    var mean: Double? = total.sum.value / n
    var deviation: Double? = sorted.isEmpty ? total.deviation(n) : GaugeFigures.deviation(sorted)
    switch scale {
    case .linear: break
    case .decibel: mean = 10 * log10(total.first.value / n)
    case .angle:
      let length = (total.first.value * total.first.value + total.second.value * total.second.value).squareRoot() / n
      if length < 1e-9 {
        (mean, deviation) = (nil, nil)
      } else {
        let degrees = atan2(total.first.value, total.second.value) * 180 / .pi
        mean = degrees < 0 ? degrees + 360 : degrees
        deviation = (-2 * log(Swift.min(1, length))).squareRoot() * 180 / .pi
      }
    }
    let percentiles = sketch.percentiles([50, 95, 99], sorted: sorted).map {
      // A bucket's midpoint may lie outside of what was seen.
      Swift.min(Swift.max($0 ?? total.minimum, total.minimum), total.maximum)
    }
    return Report(
      minimum: total.minimum, maximum: total.maximum, sum: total.sum.value, mean: mean, deviation: deviation,
      percentiles: percentiles)
  }

  private static func deviation(_ values: [Double]) -> Double {
    let n = Double(values.count)
    var sum = CompensatedSum()
    for value in values { sum.add(value) }
    let mean = sum.value / n
    var squares = CompensatedSum()
    for value in values { squares.add((value - mean) * (value - mean)) }
    return (squares.value / n).squareRoot()
  }
}

extension GaugeFigures.Sums {
  /// The population's, from the sums of values and squares: these have twice the digits of a double, so that a small
  /// spread around a large value keeps its own.
  fileprivate func deviation(_ n: Double) -> Double {
    let mean = sum.value / n
    // Σ(x−m)² = Σx² − 2mΣx + nm²
    var result = squares
    result.add(-2 * mean, times: sum.sum)
    result.add(-2 * mean, times: sum.compensation)
    let square = mean * mean
    result.add(n, times: square)
    result.add(n * fma(mean, mean, -square))
    return Swift.max(0, result.value / n).squareRoot()
  }
}

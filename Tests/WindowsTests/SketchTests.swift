import Testing

@testable import Windows

@Suite("The sketch of a distribution")
struct SketchTests {
  private func samples(_ generator: inout Seeded) -> [Double] {
    let shape = Int.random(in: 0...4, using: &generator)
    return (0..<Int.random(in: 1...3000, using: &generator)).map { _ in
      switch shape {
      case 0: Double.random(in: 0...100, using: &generator)
      case 1: Double.random(in: -40 ... -8, using: &generator)
      case 2: Double.random(in: -1...1, using: &generator)
      case 3: Double(Int.random(in: 0...3, using: &generator))
      default: Double.random(in: 0...1, using: &generator) * 1e6
      }
    }
  }

  /// The value at sorted rank ⌈p·n/100⌉.
  private func exact(_ sorted: [Double], _ p: Int) -> Double { sorted[max(1, (p * sorted.count + 99) / 100) - 1] }

  @Test("every percentile is within 1 % of the value at its rank")
  func accuracy() throws {
    var generator = Seeded(state: 1)
    for _ in 0..<300 {
      let values = samples(&generator)
      var sketch = Sketch()
      for value in values { sketch.add(value) }
      let sorted = values.sorted()
      for p in [1, 25, 50, 95, 99, 100] {
        let expected = exact(sorted, p)
        #expect(abs(try #require(sketch.percentile(p)) - expected) <= 0.01 * abs(expected))
      }
    }
  }

  @Test("merged sketches answer like one that saw everything")
  func merging() throws {
    var generator = Seeded(state: 2)
    for _ in 0..<300 {
      let (a, b) = (samples(&generator), samples(&generator))
      var left = Sketch()
      var right = Sketch()
      for value in a { left.add(value) }
      for value in b { right.add(value) }
      left.merge(right)
      #expect(left.count == a.count + b.count)
      let sorted = (a + b).sorted()
      for p in [50, 95, 99] {
        let expected = exact(sorted, p)
        #expect(abs(try #require(left.percentile(p)) - expected) <= 0.01 * abs(expected))
      }
    }
  }

  @Test("an empty sketch knows no percentile")
  func empty() { #expect(Sketch().percentile(50) == nil) }
}

import Testing

@testable import Journal

@Suite("A segment that the disk refuses to give")
struct ReadPatienceTests {
  private let start = ContinuousClock.now

  /// Segments that are refused, each at its second; gives which of these were given up.
  private func givenUp(_ patience: inout ReadPatience, _ refusals: [(id: Int64, second: Int)]) -> [Bool] {
    refusals.map { patience.refused($0.id, at: start + .seconds($0.second)) }
  }

  @Test("is asked for again for a minute, and only then given up")
  func aMinute() {
    var patience = ReadPatience()
    let given = givenUp(&patience, (0...60).map { (7, $0) })
    #expect(given == Array(repeating: false, count: 60) + [true])
  }

  @Test("has its minute from its own first refusal, and anew once it was given")
  func anew() {
    var patience = ReadPatience()
    #expect(givenUp(&patience, [(7, 0), (8, 59), (8, 61)]) == [false, false, false])
    patience.given(8)
    #expect(givenUp(&patience, [(8, 200)]) == [false])
    patience.given(7)
    #expect(givenUp(&patience, [(8, 260)]) == [true])
  }
}

import Telemetry

/// `Conditions`, compiled.
struct MappingConditions {
  private struct Test {
    let operand: String
    let pointer: JSONPointer?
    let words: Set<String>
    let numbers: Set<Double>
  }

  private let alternatives: [[Test]]

  /// `nil` where an operand is neither a pointer nor a capture.
  init?(_ conditions: Conditions) {
    var alternatives: [[Test]] = []
    for tests in conditions.alternatives {
      var compiled: [Test] = []
      for test in tests {
        let capture = MessageRule.capture(test.operand)
        let pointer = capture == nil ? JSONPointer(test.operand) : nil
        guard capture != nil || pointer != nil else { return nil }
        compiled.append(
          Test(
            operand: capture ?? test.operand, pointer: pointer, words: Set(test.words.map { $0.lowercased() }),
            numbers: Set(test.words.compactMap(MappingConditions.number))))
      }
      alternatives.append(compiled)
    }
    self.alternatives = alternatives
  }

  static func number(_ word: String) -> Double? {
    Array(word.utf8).withUnsafeBytes(NumberText.double).flatMap { $0.isFinite ? $0 : nil }
  }

  func hold(_ scope: MappingScope) -> Bool {
    alternatives.contains { tests in
      tests.allSatisfy { test in
        let word =
          test.pointer.map { scope.word(at: $0, test.operand, for: "a condition") } ?? scope.captures[test.operand]
        guard let word else { return false }
        return test.words.contains("*") || test.words.contains(word.lowercased())
          || !test.numbers.isEmpty && MappingConditions.number(word).map(test.numbers.contains) ?? false
      }
    }
  }
}

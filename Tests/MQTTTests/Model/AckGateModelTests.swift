import Testing

@testable import MQTT

@Suite("Every order of events, against a model of broker, socket and disk")
struct AckGateModelTests {
  /// Few contents, so that twins abound.
  static let contents: [UInt64] = [7, 8, 8, 7, 8, 8, 7]

  @Test("no order of events lets an acknowledgement out early, loses a message or stores one twice")
  func realGate() {
    let checker = Checker<AckGate, RedeliveryRun>(contents: Self.contents, weather: .storm, depth: 200)
    #expect(checker.fault == nil)
    // The search must have seen everything, and the good end among it.
    #expect(checker.isComplete)
    #expect(checker.states > 2000)
    #expect(checker.finished > 0)
  }

  @Test("where nothing breaks, identifiers that are used again at once confuse nothing")
  func realGateInCalm() {
    let checker = Checker<AckGate, RedeliveryRun>(contents: [8, 8, 8, 8], weather: .calm, depth: 200)
    #expect(checker.fault == nil)
    #expect(checker.finished > 0)
  }

  @Test("the checker finds a write before the commit")
  func writesBeforeCommit() { expectFault(WritesBeforeCommit.self, "left before its commit") }

  @Test("the checker finds a write during the commit")
  func writesWhileCommitting() { expectFault(WritesWhileCommitting.self, "left before its commit") }

  @Test("the checker finds reading while the queue is half written")
  func readsWhileHalfWritten() { expectFault(ReadsWhileHalfWritten.self, "left before its commit") }

  @Test("the checker finds reading during the commit")
  func readsWhileCommitting() { expectFault(ReadsWhileCommitting.self, "left before its commit") }

  @Test("the checker finds acknowledgements kept after a commit that failed")
  func keepsAcknowledgements() { expectFault(KeepsAcknowledgementsAfterFailure.self, "left before its commit") }

  @Test("the checker finds a write when the commit is overdue")
  func writesWhenOverdue() { expectFault(WritesWhenOverdue.self, "left before its commit") }

  @Test("the checker finds a connection made before the last commit's outcome is known")
  func connectsDuringCommit() { expectFault(ConnectsDuringCommit.self, "") }

  @Test("the checker finds a batch that survives its connection")
  func discardsNothing() { expectFault(DiscardsNothing.self, "twice") }

  @Test("the checker finds redeliveries that aren't recognised")
  func recognisesNothing() { expectFault(RecognisesNothing.self, "twice") }

  @Test("the checker finds new messages that are taken for redeliveries")
  func recognisesForEver() { expectFault(RecognisesForEver.self, "left before its commit", in: .calm) }

  @Test("the checker finds messages that are remembered without a commit")
  func remembersTheUncommitted() { expectFault(RemembersTheUncommitted.self, "left before its commit") }

  private func expectFault(
    _ gate: (some Gate).Type, _ story: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    func check<G: Gate>(_: G.Type) -> String? {
      Checker<G, RedeliveryRun>(contents: Self.contents, weather: .storm, depth: 40).fault
    }
    let fault = check(gate)
    #expect(fault?.contains(story) ?? false, "\(fault ?? "no fault found")", sourceLocation: sourceLocation)
  }

  private func expectFault(
    _ recogniser: (some Recogniser).Type, _ story: String, in weather: Weather = .storm,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    func check<R: Recogniser>(_: R.Type) -> String? {
      Checker<AckGate, R>(contents: Self.contents, weather: weather, depth: 40).fault
    }
    let fault = check(recogniser)
    #expect(fault?.contains(story) ?? false, "\(fault ?? "no fault found")", sourceLocation: sourceLocation)
  }
}

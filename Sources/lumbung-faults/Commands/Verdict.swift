/// What was found wrong with one try, by kind.
struct Verdict {
  /// Acknowledged segments that are gone or differ; transactions that had returned and are gone.
  var lost: [String] = []
  /// The files don't hold together, or didn't open.
  var corrupt: [String] = []
  /// Something else came out than from the run that nothing interrupted.
  var wrong: [String] = []
  /// Where a crash in a first start left an earlier program's store.
  var side: Migration.Side?

  var isGood: Bool { lost.isEmpty && corrupt.isEmpty && wrong.isEmpty }

  /// What the receiver holds at the end, against what came of the run that nothing interrupted.
  mutating func compare(_ receiver: Receiver, with outcome: [String: [UInt8]]) {
    wrong += receiver.faults + receiver.holes + receiver.untold
    let result = receiver.outcome()
    // What the quota dropped is accounted for: a window never came, or the revision that a late reading has made of it.
    var missing: Int64 = 0
    for (name, record) in outcome {
      let got = result[name]
      guard got != record else { continue }
      missing += 1
      guard missing > receiver.droppedSummaries else { continue }
      if let got {
        let (got, due) = (String(decoding: got, as: UTF8.self), String(decoding: record, as: UTF8.self))
        wrong.append("\(name) differs: \(got) came, \(due) is due")
      } else {
        wrong.append("\(name) never came")
      }
    }
    for name in result.keys where outcome[name] == nil { wrong.append("\(name) should not be there") }
  }

  /// - Parameter isAlone: tells everything.
  func count(into tally: inout Tally, _ place: String, isAlone: Bool) {
    if !lost.isEmpty { tally["lost"] += 1 }
    if !corrupt.isEmpty { tally["corrupt"] += 1 }
    if !wrong.isEmpty { tally["wrong"] += 1 }
    guard let first = (lost + corrupt + wrong).first else { return }
    let more = lost.count + corrupt.count + wrong.count - 1
    if isAlone { for text in lost + corrupt + wrong { Workers.tell("    \(text)\n") } }
    tally.find("\(place): \(first)\(more > 0 ? ", and \(more) more" : "")")
  }
}

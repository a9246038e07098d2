import ArgumentParser
import Telemetry

/// What a proof prints: one line, or one JSON object; what was found, for whoever mends it, goes to standard error.
struct Outcome {
  var fault: String
  /// What was broken on purpose.
  var control: String?
  var tries: Int
  var tally: Tally
  /// Names of the tally's figures, in the order in which they are told.
  var figures: [String]

  private var holds: Bool { tally["broken"] == 0 }

  /// - Throws: what makes the process end with an error where the promise, or the control, doesn't hold.
  func tell(json: Bool) throws {
    print(json ? object : line)
    for text in tally.found { Workers.tell("  \(text)\n") }
    if holds != (control == nil) || tries == 0 { throw ExitCode(1) }
  }

  private var line: String {
    let name = control.map { "\(fault) [control: \($0)]" } ?? fault
    let told = figures.map { "\($0) \(tally[$0])" }.joined(separator: ", ")
    return "\(name), \(tries) tries, \(verdict), \(told)"
  }

  private var verdict: String {
    switch (control == nil, holds) {
    case (true, true): "promise held"
    case (true, false): "PROMISE BROKEN (\(tally["broken"]) tries)"
    case (false, true): "NOT NOTICED: the proof is worth nothing"
    case (false, false): "noticed (\(tally["broken"]) tries)"
    }
  }

  private var object: String {
    var writer = JSONWriter()
    writer.object { json in
      json.field("fault", fault)
      if let control { json.field("control", control) }
      json.field("tries", tries)
      json.field("held", holds)
      json.field("broken", tally["broken"])
      json.object("figures") { json in
        for figure in figures { json.field(figure, tally[figure]) }
      }
      json.array("found") { json in
        for text in tally.found { json.element(text) }
      }
    }
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}

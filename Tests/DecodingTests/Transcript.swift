import Telemetry

@testable import Decoding

/// Messages with what must come of them, as text that people read:
///
///     profile fpp
///     > falcon/player/aula/ready 1
///     aula availability = online 1 state
///
/// `~` in a topic is a space, `⏎` in a payload a line end; `@NAME` in place of a payload is a file. `time T` checks the times of what stands before; `ignored` and
/// `refused: TEXT` the outcome where nothing comes.
struct Transcript {
  struct Step {
    let profile: String
    let topic: String
    let payload: String
    var expected: [String] = []
  }

  private(set) var steps: [Step] = []

  init(_ text: String) {
    var profile = ""
    for line in text.split(separator: "\n") {
      if line.hasPrefix("#") { continue }
      if line.hasPrefix("profile ") {
        profile = String(line.dropFirst(8))
      } else if line.hasPrefix("> ") {
        let parts = String(line.dropFirst(2)).split(separator: " ", maxSplits: 1).map(String.init)
        steps.append(
          Step(
            profile: profile, topic: parts[0].replacing("~", with: " "),
            payload: parts.count > 1 ? parts[1].replacing("⏎", with: "\n") : ""))
      } else if !steps.isEmpty {
        steps[steps.count - 1].expected.append(String(line))
      }
    }
  }

  /// What comes of a step, in the transcript's words.
  static func run(_ step: Step, on bench: Bench, file: (String) -> [UInt8]) -> [String] {
    let payload = step.payload.hasPrefix("@") ? file(String(step.payload.dropFirst())) : Array(step.payload.utf8)
    var lines = bench.lines(step.topic, payload)
    if step.expected.contains(where: { $0.hasPrefix("time ") }) {
      for time in Set(bench.times) { lines.append("time \(time)") }
    }
    switch bench.outcome {
    case .decoded: break
    case .partial(let faults): lines += faults.map { "partial: \($0)" }
    case .ignored: lines.append("ignored")
    case .refused(let fault): lines.append("refused: \(fault)")
    case .unrouted: lines.append("unrouted")
    }
    return lines
  }
}

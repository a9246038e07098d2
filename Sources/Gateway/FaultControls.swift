import Glibc

/// Switches that break the gateway's promise on purpose, so that the fault tests can show that they would notice:
/// see docs/faults.md. Obeyed only where `LUMBUNG_FAILPOINTS_ALLOWED=1` stands beside them.
struct FaultControls: Sendable, Equatable {
  /// `LUMBUNG_TEST_SYNCHRONOUS=NORMAL`: commits are not synced, and a power cut takes them.
  var synchronous = "FULL"
  /// `LUMBUNG_TEST_ACK_EARLY=1`: messages are acknowledged before their commit.
  var acknowledgesEarly = false
  /// `LUMBUNG_TEST_REDELIVERY=COUNT`: what the broker sends again is counted again.
  var recognisesRedeliveries = true

  /// - Parameter variable: the environment's value of a name.
  init(_ variable: (String) -> String?) {
    guard variable("LUMBUNG_FAILPOINTS_ALLOWED") == "1" else { return }
    if variable("LUMBUNG_TEST_SYNCHRONOUS") == "NORMAL" { synchronous = "NORMAL" }
    acknowledgesEarly = variable("LUMBUNG_TEST_ACK_EARLY") == "1"
    recognisesRedeliveries = variable("LUMBUNG_TEST_REDELIVERY") != "COUNT"
  }

  static let ofProcess = FaultControls { name in getenv(name).map { String(cString: $0) } }

  /// What the log must say where a switch is on.
  var warning: String? {
    var broken: [String] = []
    if synchronous != "FULL" { broken.append("commits are not synced (LUMBUNG_TEST_SYNCHRONOUS)") }
    if acknowledgesEarly { broken.append("messages are acknowledged before their commit (LUMBUNG_TEST_ACK_EARLY)") }
    if !recognisesRedeliveries { broken.append("messages are counted again (LUMBUNG_TEST_REDELIVERY)") }
    guard !broken.isEmpty else { return nil }
    return "MESSAGES WILL BE LOST: \(broken.joined(separator: "; ")). For fault tests only; unset these variables"
  }
}

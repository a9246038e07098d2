import Testing

@testable import Gateway

@Suite("Switches that break the promise on purpose")
struct FaultControlsTests {
  @Test("without the permission nothing is broken, whatever else is set")
  func needsPermission() {
    for permission in [nil, "", "0", "yes"] {
      let controls = FaultControls { name in
        name == "LUMBUNG_FAILPOINTS_ALLOWED" ? permission : name == "LUMBUNG_TEST_ACK_EARLY" ? "1" : "NORMAL"
      }
      #expect(controls.synchronous == "FULL")
      #expect(!controls.acknowledgesEarly)
      #expect(controls.warning == nil)
    }
  }

  @Test("each switch breaks its own part, and the log says so")
  func breaksItsPart() {
    let allowed = ["LUMBUNG_FAILPOINTS_ALLOWED": "1"]
    let unsynced = FaultControls { allowed.merging(["LUMBUNG_TEST_SYNCHRONOUS": "NORMAL"]) { $1 }[$0] }
    #expect(unsynced.synchronous == "NORMAL")
    #expect(!unsynced.acknowledgesEarly)
    #expect(unsynced.warning?.contains("LUMBUNG_TEST_SYNCHRONOUS") == true)
    let early = FaultControls { allowed.merging(["LUMBUNG_TEST_ACK_EARLY": "1"]) { $1 }[$0] }
    #expect(early.synchronous == "FULL")
    #expect(early.acknowledgesEarly)
    #expect(early.warning?.contains("LUMBUNG_TEST_ACK_EARLY") == true)
    let again = FaultControls { allowed.merging(["LUMBUNG_TEST_REDELIVERY": "COUNT"]) { $1 }[$0] }
    #expect(!again.recognisesRedeliveries && !again.acknowledgesEarly)
    #expect(again.warning?.contains("LUMBUNG_TEST_REDELIVERY") == true)
    #expect(early.recognisesRedeliveries)
  }

  @Test("only NORMAL is known: nothing turns syncing off altogether by a slip")
  func knowsOnlyNormal() {
    let controls = FaultControls { $0 == "LUMBUNG_FAILPOINTS_ALLOWED" ? "1" : "OFF" }
    #expect(controls == FaultControls { _ in nil })
  }
}

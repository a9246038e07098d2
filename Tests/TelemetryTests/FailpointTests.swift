import Testing

@testable import Telemetry

@Suite("What a fault test may set")
struct FailpointTests {
  @Test("a name and a count are taken, with or without a delay")
  func takesNameAndCount() {
    #expect(Failpoint.Setting("journal.before-commit:3")?.name == "journal.before-commit")
    #expect(Failpoint.Setting("journal.before-commit:3")?.count == 3)
    #expect(Failpoint.Setting("journal.before-commit:3")?.microseconds == 0)
    #expect(Failpoint.Setting("journal.checkpoint:1:2500")?.microseconds == 2500)
  }

  @Test(
    "anything else sets nothing",
    arguments: ["", "name", "name:", ":1", "name:0", "name:-1", "n:1:x", "n:1:-1", "n:1:2:3"])
  func refusesAnythingElse(text: String) {
    #expect(Failpoint.Setting(text) == nil)
  }

  @Test("where nothing is set, a place is passed")
  func passes() {
    Failpoint.hit("nowhere")
  }
}

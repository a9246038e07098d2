import Settings
import Testing

@testable import Gateway

@Suite("Memory that nobody uses")
struct MemoryTests {
  @Test("what is given back comes again where it is needed, and nothing else goes")
  func givenBack() throws {
    let kept = (0..<10_000).map { "\($0)" }
    for _ in 0..<3 {
      Memory.giveBackAll()
      // The program's own code and constants, a library's, and what is on the heap.
      #expect(kept.reduce(0) { $0 + $1.utf8.count } == 38_890)
      let settings = try GatewaySettings.parse(text: "[gateway]\nid = \"g\"\n", file: "x", knownFormats: ["json"])
      #expect(ReloadPlan(from: settings, to: settings).summary == "nothing to apply")
    }
  }
}

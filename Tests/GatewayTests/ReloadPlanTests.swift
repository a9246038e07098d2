import Settings
import Telemetry
import Testing

@testable import Gateway

@Suite("What a new configuration changes")
struct ReloadPlanTests {
  private func settings(_ change: (inout GatewaySettings) -> Void = { _ in }) -> GatewaySettings {
    var settings = GatewaySettings(gatewayID: "oki-01")
    change(&settings)
    return settings
  }

  private func source(_ topic: String) throws -> SourceDefinition {
    SourceDefinition(name: topic, topic: try TopicPattern(topic), format: "json")
  }

  @Test("the same configuration changes nothing")
  func nothing() {
    let plan = ReloadPlan(from: settings(), to: settings())
    #expect(plan.needsRestart.isEmpty)
    #expect(!plan.changesDeriving && !plan.changesTopics && !plan.changesLogLevel)
    #expect(plan.summary == "nothing to apply")
  }

  @Test("settings that took force are told as such, though deriving by them is held up")
  func heldUp() throws {
    let source = try source("a/{x}")
    let plan = ReloadPlan(from: settings(), to: settings { $0.sources = [source] })
    #expect(ReloadOutcome(plan, holdUp: nil) == ReloadOutcome(plan, holdUp: nil))
    #expect(ReloadOutcome(plan, holdUp: nil).text == plan.summary)
    let late = ReloadOutcome(plan, holdUp: "disk full")
    #expect(!late.isComplete)
    #expect(late.text.hasPrefix(plan.summary) && late.text.contains("not derived by it yet: disk full"))
  }

  @Test("a new source changes what is derived and what is subscribed")
  func source() throws {
    let source = try source("a/{x}")
    let plan = ReloadPlan(from: settings(), to: settings { $0.sources = [source] })
    #expect(plan.changesDeriving && plan.changesTopics && !plan.changesUplinks)
    #expect(plan.applied.sources.count == 1)
  }

  @Test("a source under a topic that is subscribed already changes no subscription")
  func covered() throws {
    let (all, some) = (try source("a/{x...}"), try source("a/b/{x}"))
    let old = settings { $0.sources = [all] }
    let new = settings { $0.sources = [some, all] }
    let plan = ReloadPlan(from: old, to: new)
    #expect(plan.changesDeriving && !plan.changesTopics)
  }

  @Test("windows, clocks, limits and labels are derived by; the log level is not")
  func deriving() {
    func changes(_ change: (inout GatewaySettings) -> Void) -> Bool {
      ReloadPlan(from: settings(), to: settings(change)).changesDeriving
    }
    #expect(changes { $0.summary.grace = .seconds(77) })
    #expect(changes { $0.trust = .always })
    #expect(changes { $0.timezone = "Asia/Makassar" })
    #expect(changes { $0.labels = ["a": "b"] })
    #expect(!changes { $0.logLevel = .debug })
    #expect(ReloadPlan(from: settings(), to: settings { $0.logLevel = .debug }).changesLogLevel)
  }

  @Test("uplinks come, go and change by themselves")
  func uplinks() {
    let uplink = UplinkDefinition(name: "central", transport: .http, url: "https://central.example")
    let plan = ReloadPlan(from: settings(), to: settings { $0.uplinks = [uplink] })
    #expect(plan.changesUplinks && !plan.changesDeriving && !plan.changesTopics)
    #expect(plan.applied.uplinks == [uplink] && plan.needsRestart.isEmpty)
  }

  @Test("the store's limits change in place")
  func limits() {
    let plan = ReloadPlan(from: settings(), to: settings { $0.store.maxSize = .mebibytes(99) })
    #expect(plan.changesRoom && !plan.changesDeriving && plan.needsRestart.isEmpty)
    #expect(plan.applied.store.maxSize == .mebibytes(99))
  }

  @Test("what needs a restart keeps its old value and is named")
  func restart() {
    let old = settings()
    let new = settings {
      $0.gatewayID = "other"
      $0.broker.url = "mqtt://elsewhere"
      $0.store.path = "/srv"
      $0.store.commitMessages = 7
      $0.admin.listen = nil
      $0.logLevel = .debug
    }
    let plan = ReloadPlan(from: old, to: new)
    #expect(plan.needsRestart == ["gateway.id", "[broker]", "store.path", "store.commit_messages", "[admin]"])
    var expected = old
    expected.logLevel = .debug
    #expect(plan.applied == expected)
    #expect(plan.summary.contains("applied: the log level"))
    #expect(plan.summary.contains("waiting for a restart (systemctl restart lumbung): gateway.id"))
  }
}

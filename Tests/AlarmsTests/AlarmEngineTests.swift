import Telemetry
import Testing

@testable import Alarms

@Suite("When alarms are raised and cleared")
struct AlarmEngineTests {
  private struct Bench {
    let registry = Registry()
    let engine: AlarmEngine
    let node: Device
    let power: Series
    var transitions: [AlarmRecord] = []

    init(_ rules: [AlarmRule] = [Bench.weakLight]) {
      engine = AlarmEngine(gateway: "test", rules: rules)
      node = registry.device("odc-07", class: .fiberNode, site: "kayuagung")!
      power = registry.series(of: node, "optical.input-power", unit: "dBm", kind: .gauge)!
    }

    static let weakLight = AlarmRule(
      name: "weak-light", deviceClass: .fiberNode, metric: "optical.input-power",
      condition: .below(limit: -27, clear: -26), hold: .seconds(60), severity: .critical)
    static let silent = AlarmRule(name: "silent", condition: .missing(.seconds(90)))

    static func at(_ seconds: Double) -> Timestamp { Timestamp(nanoseconds: Int64(seconds * 1e9)) }

    mutating func read(_ value: Double, at seconds: Double, segment: Int64 = 1) {
      engine.judge(
        Observation(series: power, value: .number(value), time: Bench.at(seconds), timeSource: .payload),
        received: Bench.at(seconds), segment: segment, into: &transitions)
    }

    mutating func advance(to seconds: Double, segment: Int64 = 1) {
      engine.advance(to: Bench.at(seconds), segment: segment, into: &transitions)
    }

    mutating func hear(at seconds: Double, segment: Int64 = 1) {
      engine.heard(node, at: Bench.at(seconds), segment: segment, into: &transitions)
    }

    var story: [String] { transitions.map { "\($0.rule) \($0.transition.rawValue) \($0.time.seconds)" } }
  }

  @Test("an alarm is raised once its condition has held long enough, at the time it had")
  func hold() {
    var bench = Bench()
    bench.read(-28, at: 100)
    bench.read(-28, at: 130)
    #expect(bench.story.isEmpty)
    bench.read(-28, at: 170)
    #expect(bench.story == ["weak-light raised 160.0"])
  }

  @Test("time alone ends the hold")
  func holdByTime() {
    var bench = Bench()
    bench.read(-28, at: 100)
    bench.advance(to: 159)
    #expect(bench.story.isEmpty)
    bench.advance(to: 160)
    #expect(bench.story == ["weak-light raised 160.0"])
  }

  @Test("a late reading says nothing of now, whether there ever was an alarm or not")
  func late() {
    var bench = Bench()
    bench.read(-20, at: 300)
    bench.read(-28, at: 100)
    bench.read(-28, at: 170)
    #expect(bench.story.isEmpty)
  }

  @Test("a clock that was ahead and is set back silences no rule")
  func setBack() {
    var bench = Bench([Bench.weakLight, Bench.silent])
    bench.engine.listening(true, at: Bench.at(5000))
    bench.read(-20, at: 5000)
    bench.hear(at: 5000)
    bench.advance(to: 5010)
    bench.engine.setBack(to: Bench.at(100))
    bench.read(-28, at: 101)
    bench.advance(to: 200)
    #expect(bench.story == ["weak-light raised 161.0", "silent raised 190.0"])
  }

  @Test("what is quiet is handed out once, and what is read again is not")
  func quiet() {
    var bench = Bench([Bench.weakLight, Bench.silent])
    bench.read(-20, at: 100, segment: 1)
    bench.hear(at: 100, segment: 1)
    #expect(bench.engine.takeQuiet(before: 1).isEmpty)
    #expect(bench.engine.takeQuiet(before: 2).map(\.time) == [Bench.at(100), Bench.at(100)])
    bench.read(-20, at: 110, segment: 3)
    #expect(bench.engine.takeQuiet(before: 3).isEmpty)
    #expect(bench.engine.takeQuiet(before: 4).map(\.time) == [Bench.at(110)])
  }

  @Test("a reading that is well again ends the hold")
  func holdBroken() {
    var bench = Bench()
    bench.read(-28, at: 100)
    bench.read(-26.5, at: 120)
    bench.advance(to: 1000)
    #expect(bench.story.isEmpty)
  }

  @Test("an alarm is cleared past its own limit only")
  func hysteresis() {
    var bench = Bench()
    bench.read(-28, at: 100)
    bench.advance(to: 160)
    bench.read(-26.5, at: 170)
    #expect(bench.story.count == 1)
    bench.read(-25.9, at: 180)
    #expect(bench.story == ["weak-light raised 160.0", "weak-light cleared 180.0"])
    #expect(Set(bench.transitions.map(\.id)).count == 1)
  }

  @Test("several readings of one segment are all judged")
  func sameSegment() {
    var bench = Bench()
    bench.read(-28, at: 100, segment: 5)
    bench.read(-28, at: 165, segment: 5)
    bench.read(-20, at: 170, segment: 5)
    #expect(bench.story == ["weak-light raised 160.0", "weak-light cleared 170.0"])
  }

  @Test("a late reading says nothing of now")
  func lateReading() {
    var bench = Bench()
    bench.read(-28, at: 100)
    bench.advance(to: 160)
    bench.read(-20, at: 50)
    #expect(bench.story == ["weak-light raised 160.0"])
  }

  @Test("the id is the same whenever the alarm is derived again")
  func identity() {
    var first = Bench()
    first.read(-28, at: 100)
    first.advance(to: 160)
    var second = Bench()
    second.read(-28, at: 100)
    second.read(-28, at: 200)
    #expect(first.transitions.map(\.id) == second.transitions.map(\.id))
  }

  @Test("a device that was heard and falls silent raises an alarm, and clears it when it is heard")
  func silence() {
    var bench = Bench([Bench.silent])
    bench.engine.listening(true, at: Bench.at(0))
    bench.hear(at: 10)
    bench.advance(to: 99)
    #expect(bench.story.isEmpty)
    bench.advance(to: 100)
    bench.hear(at: 130)
    #expect(bench.story == ["silent raised 100.0", "silent cleared 130.0"])
  }

  @Test("silence while the gateway can't hear is not the device's")
  func deafness() {
    var bench = Bench([Bench.silent])
    bench.engine.listening(true, at: Bench.at(0))
    bench.hear(at: 10)
    bench.engine.listening(false, at: Bench.at(20))
    bench.advance(to: 500)
    #expect(bench.story.isEmpty)
    bench.engine.listening(true, at: Bench.at(500))
    bench.advance(to: 589)
    #expect(bench.story.isEmpty)
    bench.advance(to: 590)
    #expect(bench.story == ["silent raised 590.0"])
  }

  @Test("after a restart nothing that was judged is judged again, and what was raised can be cleared")
  func restart() {
    var before = Bench()
    before.read(-28, at: 100, segment: 4)
    before.advance(to: 160, segment: 5)
    let changes = before.engine.takeChanges()
    var after = Bench()
    let (gone, none) = after.engine.restore(
      changes.map {
        AlarmSnapshot(rule: $0.rule, device: after.node, series: after.power, state: $0.state, record: $0.record)
      }, at: Bench.at(200))
    #expect(gone.isEmpty && none.isEmpty)
    // Segments 4 and 5 come again.
    after.read(-28, at: 100, segment: 4)
    after.read(-20, at: 101, segment: 5)
    after.advance(to: 160, segment: 5)
    #expect(after.story.isEmpty)
    after.read(-20, at: 210, segment: 6)
    #expect(after.story == ["weak-light cleared 210.0"])
    #expect(after.transitions.map(\.id) == before.transitions.map(\.id))
  }

  @Test("an alarm whose rule is gone is cleared")
  func goneRule() {
    var before = Bench()
    before.read(-28, at: 100)
    before.advance(to: 160)
    let snapshots = before.engine.takeChanges()
    let engine = AlarmEngine(gateway: "test", rules: [])
    let (gone, transitions) = engine.restore(snapshots, at: Bench.at(300))
    #expect(gone.count == 1)
    #expect(transitions.map(\.transition) == [.cleared])
    #expect(engine.active.isEmpty)
  }

  @Test("a rule concerns only the devices that it names")
  func scope() {
    let rule = AlarmRule(
      name: "x", site: Glob("lain*"), metric: "optical.input-power", condition: .above(limit: 0, clear: 0))
    var bench = Bench([rule])
    bench.read(5, at: 1)
    #expect(bench.story.isEmpty)
  }

  @Test("with no hold and no hysteresis a reading decides at once")
  func immediate() {
    let rule = AlarmRule(name: "x", metric: "optical.input-power", condition: .above(limit: -10, clear: -10))
    var bench = Bench([rule])
    bench.read(-9, at: 1)
    bench.read(-10, at: 2)
    #expect(bench.story == ["x raised 1.0", "x cleared 2.0"])
  }
}

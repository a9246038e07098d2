import Telemetry
import Testing

@testable import Systemd

@Suite("Whether the watchdog may be fed")
struct LivenessTests {
  private typealias Station = Liveness.Station

  @Test("stations that make progress are fed for, however long they work")
  func progress() {
    var liveness = Liveness(interval: .seconds(60))
    for second in 0..<600 {
      let station = Station("journal", progress: UInt64(second / 20), hasWork: true)
      #expect(liveness.look([station], at: .seconds(Int64(second))) == .feed)
    }
  }

  @Test("a station that stands still with work before it starves the watchdog after half an interval, and is named")
  func stuck() {
    var liveness = Liveness(interval: .seconds(60))
    let stations = [Station("journal", progress: 7, hasWork: true), Station("derive", progress: 1, hasWork: false)]
    #expect(liveness.look(stations, at: .seconds(100)) == .feed)
    #expect(liveness.look(stations, at: .seconds(130)) == .feed)
    #expect(liveness.look(stations, at: .seconds(131)) == .starve(["journal"], standing: .seconds(31)))
  }

  @Test("idleness is right where there is no work, and its time doesn't count once work comes")
  func idle() {
    var liveness = Liveness(interval: .seconds(60))
    for second in stride(from: Int64(0), through: 3600, by: 15) {
      #expect(liveness.look([Station("uplink", progress: 3, hasWork: false)], at: .seconds(second)) == .feed)
    }
    #expect(liveness.look([Station("uplink", progress: 3, hasWork: true)], at: .seconds(3610)) == .feed)
    #expect(
      liveness.look([Station("uplink", progress: 3, hasWork: true)], at: .seconds(3631))
        == .starve(["uplink"], standing: .seconds(31)))
    #expect(liveness.look([Station("uplink", progress: 4, hasWork: true)], at: .seconds(3632)) == .feed)
  }

  @Test("all that stand still are named, with the longest time")
  func several() {
    var liveness = Liveness(interval: .seconds(10))
    _ = liveness.look([Station("a", progress: 0, hasWork: true)], at: .zero)
    let both = [Station("a", progress: 0, hasWork: true), Station("b", progress: 0, hasWork: true)]
    _ = liveness.look(both, at: .seconds(4))
    #expect(liveness.look(both, at: .seconds(10)) == .starve(["a", "b"], standing: .seconds(10)))
  }
}

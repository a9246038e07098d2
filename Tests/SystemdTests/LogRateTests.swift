import Telemetry
import Testing

@testable import Systemd

@Suite("Which lines of a log are written")
struct LogRateTests {
  @Test("a burst is written whole, and what is beyond it is left out and counted")
  func burst() {
    var rate = LogRate(burst: 3, interval: .seconds(30))
    for _ in 0..<3 { #expect(rate.ask(at: .seconds(1)) == .write(leftOut: 0)) }
    for _ in 0..<5 { #expect(rate.ask(at: .seconds(1)) == .leaveOut) }
    // A third of the interval gives one line back, which tells of the five.
    #expect(rate.ask(at: .seconds(12)) == .write(leftOut: 5))
    #expect(rate.ask(at: .seconds(12)) == .leaveOut)
  }

  @Test("a pause of any length gives back one burst and no more")
  func pause() {
    var rate = LogRate(burst: 3, interval: .seconds(30))
    for _ in 0..<9 { _ = rate.ask(at: .zero) }
    let written = (0..<9).filter { _ in rate.ask(at: .hours(24)) != .leaveOut }.count
    #expect(written == 3)
  }

  @Test("steady lines below the rate are never left out")
  func steady() {
    var rate = LogRate(burst: 10, interval: .seconds(10))
    for second in 0..<1000 { #expect(rate.ask(at: .seconds(Int64(second))) == .write(leftOut: 0)) }
  }
}

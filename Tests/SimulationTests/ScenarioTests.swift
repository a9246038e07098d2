import Telemetry
import Testing

@testable import Simulation

@Suite("A scenario file")
struct ScenarioTests {
  @Test("changes what it names and leaves the rest")
  func changesFigures() throws {
    let scenario = try Scenario(
      parsing: """
        # a small one
        schools = 4
        cameras=20   # five a school

        rubbish = 0.02
        dropout_longest = 20m
        """)
    var expected = Scenario()
    expected.schools = 4
    expected.cameras = 20
    expected.rubbish = 0.02
    expected.dropoutLongest = .minutes(20)
    #expect(scenario == expected)
  }

  @Test("is written as it is read")
  func roundTrip() throws {
    var scenario = Scenario()
    scenario.cameras = 77
    scenario.frigateInterval = .milliseconds(1500)
    #expect(try Scenario(parsing: scenario.text) == scenario)
  }

  @Test(
    "that is wrong is refused with its line and what is wrong",
    arguments: [
      ("schools = 4\nkameras = 3", 2, "unknown key \"kameras\""),
      ("camera = 3", 1, "did you mean cameras"),
      ("fiber-nodes = 3", 1, "did you mean fiber_nodes"),
      ("\n\nschools 4", 3, "no \"key = value\""),
      ("schools = 0", 1, "\"0\" is not a whole number from 1"),
      ("schools =", 1, "schools: \"\" is not"),
      ("# x\r\nrubbish = 1.5", 2, "not a share between 0 and 1"),
      ("rubbish = nan", 1, "not a share"),
      ("camera_interval = 0s", 1, "not a duration"),
      ("camera_interval = 30", 1, "not a duration"),
      ("cameras = 1\nschools = 2\ncameras = 3", 3, "already in line 1"),
      ("onvif_share = 0.8", 1, "more than 1"),
      ("schools = 3\ndropout_longest = 1m", 2, "dropout_shortest is longer"),
      ("cameras = 0\nvideotrons = 0\nfiber_nodes = 0", 0, "no device"),
    ])
  func faults(text: String, line: Int, message: String) {
    do throws(Scenario.Fault) {
      _ = try Scenario(parsing: text)
      Issue.record("taken: \(text)")
    } catch {
      #expect(error.line == line)
      #expect(error.message.contains(message), "\(error)")
    }
  }

  @Test("is named in the error, with the line")
  func errorNamesFile() throws {
    try withTemporaryFile { path in
      write("schools = 4\nkameras = 3\n", to: path)
      do throws(SimulationError) {
        _ = try Scenario(contentsOf: path)
        Issue.record("taken")
      } catch {
        #expect(error.code == .usage)
        #expect(error.description.hasPrefix("\(path):2: unknown key"))
      }
      write("cameras = 9\n", to: path)
      let scenario = try Scenario(contentsOf: path)
      #expect(scenario.cameras == 9)
    }
  }

  @Test("that can't be read is an error")
  func missing() {
    #expect(throws: SimulationError.self) { try Scenario(contentsOf: "/nonexistent/scenario") }
  }

  @Test("that is no text, or too large, is an error")
  func noText() throws {
    try withTemporaryFile { path in
      write(String(repeating: "# padding\n", count: 7000), to: path)
      #expect(throws: SimulationError.self) { try Scenario(contentsOf: path) }
    }
  }
}

import ArgumentParser
import Dispatch
import Glibc
import Simulation
import Telemetry
import Threads

struct SimulateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate", abstract: "Publish the traffic of a realistic district, reproducibly.",
    discussion: """
      Cameras, videotrons and fiber nodes in the formats of real devices, which drop out, drift, reboot, send late and \
      send rubbish in known proportions. The same seed gives the same district and the same course of events.

      Exit status: 0, or 64 where an option or the scenario is not valid, 69 where the broker can't be reached,\
      74 where the record can't be written.
      """)

  @Option(help: ArgumentHelp("The broker.", valueName: "URL")) var broker = "mqtt://127.0.0.1:1883"
  @Option(help: ArgumentHelp("What the district is like: lines of key = value.", valueName: "FILE"))
  var scenario: String?
  @Option(help: ArgumentHelp("Scale the district to so many devices.", valueName: "N")) var devices: Int?
  @Option(help: ArgumentHelp("Messages a second in all; else each device's own interval.", valueName: "MSG_PER_S"))
  var rate: Double?
  @Option(name: .customLong("for"), help: ArgumentHelp("Stop after so long.", valueName: "DURATION"))
  var duration: Span?
  @Option(help: ArgumentHelp("Decides everything that is random.", valueName: "N")) var seed: UInt64 = 1
  @Option(help: ArgumentHelp("Write down exactly what was published.", valueName: "FILE")) var record: String?
  @Flag(help: "Print the report as one JSON object.") var json = false

  func run() async throws {
    let simulation: Simulation
    do throws(SimulationError) {
      let described = try scenario.map { path throws(SimulationError) in try Scenario(contentsOf: path) }
      simulation = try Simulation(
        SimulationOptions(
          brokerURL: broker, scenario: described ?? Scenario(), devices: devices, rate: rate, duration: duration,
          seed: seed, recordPath: record, progress: progress))
    } catch {
      throw Exit.failing(error.exitStatus, error)
    }
    let signals = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { simulation.stop() }
      source.resume()
      return source
    }
    defer { for source in signals { source.cancel() } }
    let report: SimulationReport
    do {
      report = try await withCheckedThrowingContinuation { continuation in
        do {
          _ = try BlockingThread("simulate") { continuation.resume(with: Result { try simulation.run() }) }
        } catch {
          continuation.resume(throwing: error)
        }
      }
    } catch let error as SimulationError {
      throw Exit.failing(error.exitStatus, error)
    } catch {
      throw Exit.failing(Exit.unavailable, "\(error)")
    }
    var writer = JSONWriter()
    report.write(to: &writer)
    Console.print(
      json
        ? writer.text
        : "published \(report.published) messages of \(report.devices) devices, \(report.acknowledged) acknowledged, "
          + "\(Int(report.rate)) a second")
  }

  private var progress: (@Sendable (SimulationProgress) -> Void)? {
    guard isatty(STDERR_FILENO) == 1 else { return nil }
    return { progress in
      let line =
        "\r\(Int(progress.elapsed.seconds)) s: \(progress.published) published, \(progress.acknowledged) acknowledged, "
        + "\(Int(progress.rate)) a second, \(progress.lag.milliseconds) ms behind   "
      Console.write(Array(line.utf8), to: STDERR_FILENO)
    }
  }
}

extension SimulationError {
  fileprivate var exitStatus: Int32 {
    switch code {
    case .usage: Exit.usage
    case .broker: Exit.unavailable
    case .record: Exit.io
    }
  }
}

import ArgumentParser
import Glibc
import Telemetry
import Windows

struct WindowsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "windows", abstract: "What open windows cost: processor time a reading, and memory a series.",
    discussion: "Each device has ten series: eight gauges, a counter and a state. Nothing but the windows is measured.")

  private static let seriesOfADevice = 10

  @Option(help: "How many devices.") var devices = 10_000
  @Option(help: "How many readings of each series.") var readings = 16

  func run() throws {
    guard devices > 0, (1...300).contains(readings) else { throw ValidationError("at least one of each") }
    let registry = Registry()
    let series = (0..<devices).compactMap { WindowsCommand.series(of: $0, registry) }
    let engine = WindowEngine(settings: WindowSettings(length: .minutes(5))) { registry.series[$0] }
    let start = Timestamp(milliseconds: 1_795_318_800_000)
    engine.begin(at: start)
    let before = WindowsCommand.resident()
    var adding = 0.0
    var messages: Int64 = 0
    for round in 0..<readings {
      let time = start + .milliseconds(Int64(round) * 300_000 / Int64(readings))
      // Made beforehand, so that only the windows are measured.
      let observations = series.map { $0.map { WindowsCommand.reading($0, round, time) } }
      let began = WindowsCommand.processor()
      for message in observations {
        messages += 1
        _ = engine.add(
          message,
          MessageContext(
            sequence: messages, segment: 1, receivedAt: time, retained: false, quality: .trusted,
            content: UInt64(messages) &* 0x9e37_79b9_7f4a_7c15, offset: .milliseconds(200)))
      }
      adding += WindowsCommand.processor() - began
    }
    let after = WindowsCommand.resident()
    let count = Double(devices * WindowsCommand.seriesOfADevice)
    let began = WindowsCommand.processor()
    var sealed = 0
    while let due = engine.nextDue(at: start + .minutes(6)) { engine.seal(due, quality: .trusted) { _ in sealed += 1 } }
    let sealing = WindowsCommand.processor() - began
    guard sealed == devices else { throw ValidationError("\(sealed) of \(devices) windows were sealed") }
    func figure(_ value: Double) -> String { String(Double(Int(value * 1000 + 0.5)) / 1000) }
    print("a reading: \(figure(adding / count / Double(readings) * 1e6)) us of processor time")
    print("an open series of \(readings) readings: \(Int(Double(after - before) / count)) bytes resident")
    print("sealing a series: \(figure(sealing / count * 1e6)) us of processor time")
  }

  private static func series(of number: Int, _ registry: Registry) -> [Series]? {
    registry.device("site-\(number % 500)/cam-\(number)", class: .camera, site: nil, interval: .seconds(20)).map {
      device in
      (0..<seriesOfADevice).compactMap { index in
        registry.series(
          of: device, "metric.\(index)", unit: "1", kind: index == 8 ? .counter : index == 9 ? .state : .gauge)
      }
    }
  }

  private static func reading(_ series: Series, _ round: Int, _ time: Timestamp) -> Observation {
    let value: Observation.Value
    switch series.kind {
    case .state: value = .state(round % 5 == 0 ? "off" : "on")
    case .counter: value = .number(Double(series.index + round * 1000))
    default: value = .number(Double((series.index &* 31 &+ round &* 17) % 1000) / 8)
    }
    return Observation(series: series, value: value, time: time, timeSource: .payload)
  }

  /// Seconds that this process has used.
  private static func processor() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Bytes, by /proc/self/statm: the second number, in pages.
  private static func resident() -> Int {
    guard let file = fopen("/proc/self/statm", "re") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
    let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
    return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * sysconf(Int32(_SC_PAGESIZE))
  }
}

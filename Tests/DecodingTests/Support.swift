import Glibc
import Telemetry

@testable import Decoding

/// One decoder with one source, and what comes out of it as lines that are easy to compare.
final class Bench {
  let registry = Registry()
  let decoder: Decoder
  /// 2026-11-22T03:40:12.900Z
  static let now = Timestamp(milliseconds: 1_795_318_812_900)

  var reception = Reception(receivedAt: Bench.now)
  private(set) var observations: [Observation] = []
  private(set) var outcome = Decoder.Outcome.unrouted

  init(_ sources: SourceDefinition..., zone: String = "Asia/Jakarta", limits: DecodingLimits = .init()) throws {
    decoder = try Decoder(sources: sources, timezone: zone, registry: registry, limits: limits)
  }

  convenience init(format: String, topic: String = "#", zone: String = "Asia/Jakarta") throws {
    try self.init(
      SourceDefinition(name: "source", topic: try TopicPattern(topic), format: format), zone: zone)
  }

  @discardableResult
  func decode(_ topic: String, _ payload: [UInt8]) -> [Observation] {
    observations = []
    outcome = Array(topic.utf8).withUnsafeBytes { topic in
      payload.withUnsafeBytes { decoder.decode(topic: topic, payload: $0, reception, into: &observations) }
    }
    return observations
  }

  @discardableResult
  func decode(_ topic: String, _ payload: String) -> [Observation] { decode(topic, Array(payload.utf8)) }

  /// `device metric{label=value} = value unit kind`, an event's attributes after its value.
  func lines(_ topic: String, _ payload: [UInt8]) -> [String] { decode(topic, payload).map(Bench.line) }
  func lines(_ topic: String, _ payload: String) -> [String] { lines(topic, Array(payload.utf8)) }

  static func line(_ observation: Observation) -> String {
    let series = observation.series
    return "\(series.device.name) \(series.key) = \(value(observation)) \(series.unit) \(series.kind.rawValue)"
  }

  static func value(_ observation: Observation) -> String {
    switch observation.value {
    case .number(let number): "\(number)"
    case .state(let state): state
    case .event(let count, let attributes):
      "\(count)" + attributes.map { " \($0.name)=\($0.value)" }.joined()
    }
  }

  var isDecoded: Bool { if case .decoded = outcome { true } else { false } }
  var isIgnored: Bool { if case .ignored = outcome { true } else { false } }
  var faults: [String] {
    switch outcome {
    case .partial(let faults): faults.map(\.description)
    case .refused(let fault): [fault.description]
    case .decoded, .ignored, .unrouted: []
    }
  }
  var isPartial: Bool { if case .partial = outcome { true } else { false } }
  var isRefused: Bool { if case .refused = outcome { true } else { false } }
  var times: [String] { observations.map { RFC3339.format($0.time) } }
  var timeSources: [String] { observations.map(\.timeSource.rawValue) }

  func device(ofTopic topic: String) -> Device? {
    Array(topic.utf8).withUnsafeBytes { decoder.device(ofTopic: $0) }
  }

  func payloadDecidesDevice(ofTopic topic: String) -> Bool {
    Array(topic.utf8).withUnsafeBytes { decoder.payloadDecidesDevice(ofTopic: $0) }
  }
}

/// Payloads in files: the repository's own, and the published ones that may lie beside it.
enum Files {
  struct Case {
    let name: String
    let topic: String
    let format: String
    let payload: [UInt8]
  }

  static let root: String = {
    // Resolved, so that it holds for a checkout that is reached by a symbolic link, too.
    let resolved = realpath(#filePath, nil)
    defer { free(resolved) }
    let path = resolved.map { String(cString: $0) } ?? #filePath
    var parts = path.split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast(3)
    return parts.joined(separator: "/")
  }()

  static let fixtures = root + "/Fixtures/decoding"
  static let samples: String = {
    var parts = root.split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast()
    return parts.joined(separator: "/") + "/shared/samples"
  }()

  static var haveSamples: Bool { access(samples + "/index.tsv", R_OK) == 0 }

  static func read(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "rb") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = fread(&bytes, 1, bytes.count, file)
    return Array(bytes[..<count])
  }

  static func sample(_ name: String) -> [UInt8] { read(samples + "/" + name) ?? [] }

  /// The fixtures, with their topics and formats.
  static let cases: [Case] = {
    guard let table = read(fixtures + "/cases.tsv") else { return [] }
    return String(decoding: table, as: UTF8.self).split(separator: "\n").dropFirst().compactMap { line in
      let parts = line.split(separator: "\t").map(String.init)
      guard parts.count == 3, let payload = read(fixtures + "/" + parts[0]) else { return nil }
      return Case(name: parts[0], topic: parts[1], format: parts[2], payload: payload)
    }
  }()

  /// The published payloads, each with the format that it is for here.
  static let published: [Case] = {
    guard let table = read(samples + "/index.tsv") else { return [] }
    let formats = ["frigate", "onvif", "axis_event", "tasmota", "telegraf", "sparkplug", "senml"]
    return String(decoding: table, as: UTF8.self).split(separator: "\n").dropFirst().compactMap { line in
      let parts = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      guard parts.count >= 3, let payload = read(samples + "/" + parts[0]) else { return nil }
      let builtIn = formats.first { parts[0].hasPrefix($0) }.map { $0 == "axis_event" ? "axis" : $0 }
      let topic = parts[1].hasPrefix("(") ? "any/topic" : parts[1]
      return Case(
        name: parts[0], topic: topic, format: builtIn ?? (parts[0].hasSuffix(".json") ? "json" : "scalar"),
        payload: payload)
    }
  }()
}

func source(
  _ topic: String, _ format: String, class deviceClass: DeviceClass? = nil, device: String? = nil,
  site: String? = nil, time: TimeMapping? = nil, metrics: [MetricMapping] = [], timezone: String? = nil,
  name: String = "source"
) throws -> SourceDefinition {
  SourceDefinition(
    name: name, topic: try TopicPattern(topic), format: format, deviceClass: deviceClass,
    device: device.flatMap { Template($0) }, site: site.flatMap { Template($0) }, time: time, metrics: metrics,
    timezone: timezone)
}

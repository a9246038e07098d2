import Decoding
import Telemetry

/// One decoder under libFuzzer. The first byte chooses the topic; the rest is the payload, or several, parted by the
/// bytes fe ed.
///
/// libFuzzer calls from one thread.
nonisolated(unsafe) private let target = FuzzTarget(fuzzedFormat)

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  target.run(UnsafeRawBufferPointer(start: data, count: count))
  return 0
}

private final class FuzzTarget {
  private let format: String
  private let topics: [[UInt8]]
  private let source: SourceDefinition?
  private var decoder: Decoder?
  private var runs = 0

  init(_ format: String) {
    self.format = format
    let names: [String]
    switch format {
    case "frigate":
      names = [
        "frigate/events", "frigate/reviews", "frigate/stats", "frigate/available", "frigate/cam/motion",
        "frigate/cam/person", "frigate/cam/status/detect", "frigate/tracked_object_update", "frigate/cam/detect/state",
      ]
    case "onvif":
      names = [
        "a/onvif-ej/VideoSource/MotionAlarm/&0", "a/onvif-ej/RuleEngine/LineDetector/Crossed/&0/1",
        "a/onvif-ej/Any/Thing", "a/onvif-mj/SensorData/Temperature", "a/onvif-mj/VideoAnalytics/1", "a/connection",
      ]
    case "axis": names = ["axis/B8A4/event/tns:onvif/Device", "axis/B8A4/event/connection", "axis/B8A44F112233/scene"]
    case "tasmota":
      names = ["tele/a/SENSOR", "tele/a/STATE", "stat/a/STATUS8", "tele/a/LWT", "stat/a/RESULT", "stat/a/POWER1"]
    case "telegraf": names = ["telegraf/host/cpu", "telegraf/host/disk", "telegraf/host/$state"]
    case "sparkplug":
      names = [
        "spBv1.0/g/NBIRTH/n", "spBv1.0/g/NDATA/n", "spBv1.0/g/DBIRTH/n/d", "spBv1.0/g/DDATA/n/d",
        "spBv1.0/g/NDEATH/n", "spBv1.0/g/DDEATH/n/d", "spBv1.0/STATE/h",
      ]
    case "mapping": names = ["x/one", "x/each", "x/split", "x/when"]
    default: names = ["any/topic", "any/LWT"]
    }
    topics = names.map { Array($0.utf8) }
    source = try? FuzzTarget.source(format)
  }

  private static func source(_ format: String) throws -> SourceDefinition? {
    if format == "images" || format == "crash" { return nil }
    let topic = try TopicPattern("#")
    guard format == "mapping" else { return SourceDefinition(name: "s", topic: topic, format: format) }
    return SourceDefinition(name: "s", topic: topic, format: "profile:fuzz", profile: try FuzzProfile.make())
  }

  func run(_ bytes: UnsafeRawBufferPointer) {
    guard let first = bytes.first else { return }
    let payload = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
    if format == "crash" {
      // The control: a decoder that reads beyond what it has, once it has found its way there byte by byte.
      guard payload.count > 2, payload[0] == UInt8(ascii: "B") else { return }
      guard payload[1] == UInt8(ascii: "U") else { return }
      guard payload[2] == UInt8(ascii: "G") else { return }
      let room = UnsafeMutablePointer<UInt8>.allocate(capacity: payload.count)
      room[payload.count + 2] = 1
      room.deallocate()
      return
    }
    if format == "images" {
      if let kept = ImageRedaction.redact(payload) {
        // What is kept has no image in it any more.
        precondition(kept.withUnsafeBytes { ImageRedaction.redact($0) } == nil)
      }
      return
    }
    // Anew now and then, so that what is found again is found from the start.
    runs += 1
    if decoder == nil || runs % 512 == 0 {
      decoder = source.flatMap {
        try? Decoder(sources: [$0], timezone: "UTC", registry: Registry(limits: .init(devices: 1000, series: 10_000)))
      }
    }
    guard let decoder else { fatalError("no decoder for \(format)") }
    var number = Int(first)
    for part in FuzzTarget.parts(payload) {
      let topic = topics[number % topics.count]
      number += 1
      var observations: [Observation] = []
      let outcome = topic.withUnsafeBytes { topic in
        decoder.decode(
          topic: topic, payload: part,
          Reception(receivedAt: Timestamp(milliseconds: 1_795_318_812_900)), into: &observations)
      }
      if case .refused = outcome { precondition(observations.isEmpty) }
      for observation in observations {
        if case .number(let number) = observation.value { precondition(number.isFinite) }
      }
    }
  }

  private static func parts(_ payload: UnsafeRawBufferPointer) -> [UnsafeRawBufferPointer] {
    var parts: [UnsafeRawBufferPointer] = []
    var start = 0
    var at = 0
    while at + 1 < payload.count, parts.count < 8 {
      if payload[at] == 0xfe, payload[at + 1] == 0xed {
        parts.append(UnsafeRawBufferPointer(rebasing: payload[start..<at]))
        at += 2
        start = at
      } else {
        at += 1
      }
    }
    return parts + [UnsafeRawBufferPointer(rebasing: payload[start...])]
  }
}

import Telemetry

/// A camera that speaks ONVIF Profile M: `onvif/{site}/{camera}/onvif-ej/…` for events, `onvif-mj` for its sensor.
/// Half of them write all values as strings.
struct OnvifCamera: DeviceModel {
  private enum Stream: Int { case temperature, motion, storage }

  let name: String
  let streams: [ReportStream]
  private let motionTopic: String
  private let storageTopic: String
  private let hotTopic: String
  private let temperatureTopic: String
  private let statusTopic: String
  private let writesStrings: Bool
  private let clock: DeviceClock
  private var uptime: Uptime
  private var temperature: Double
  private var storageFails = false

  init(site: String, camera: String, interval: Span, clock: DeviceClock, random: inout SeededRandom) {
    name = "\(site)/\(camera)"
    let prefix = "onvif/\(site)/\(camera)"
    streams = [
      ReportStream(interval: interval), ReportStream(interval: interval, jitter: 0.6, messages: 2),
      ReportStream(interval: Span(nanoseconds: interval.nanoseconds * 60), jitter: 0.3),
    ]
    motionTopic = prefix + "/onvif-ej/VideoSource/MotionAlarm/&1"
    storageTopic = prefix + "/onvif-ej/Device/HardwareFailure/StorageFailure/&0"
    hotTopic = prefix + "/onvif-ej/Device/Sensor/Temperature/High"
    temperatureTopic = prefix + "/onvif-mj/SensorData/Temperature"
    statusTopic = prefix + "/status"
    writesStrings = random.chance(0.5)
    self.clock = clock
    uptime = Uptime(random: &random)
    temperature = random.between(40, 59)
  }

  var hasWrongClock: Bool { clock.isWrong }

  mutating func connect(at moment: Moment, random: inout SeededRandom, drafts: inout [Draft]) {
    drafts.append(.announcement(statusTopic, "online"))
    var storage = storageFailure(at: moment)
    storage.kind = .announcement
    drafts.append(storage)
  }

  func will() -> [Draft] { [.announcement(statusTopic, "offline")] }

  mutating func restart(at moment: Moment) { uptime.restart(at: moment) }

  mutating func report(_ stream: Int, at moment: Moment, random: inout SeededRandom, drafts: inout [Draft]) {
    switch Stream(rawValue: stream) {
    case .temperature: reportTemperature(at: moment, random: &random, drafts: &drafts)
    case .motion:
      drafts.append(motion(true, at: moment, after: .zero))
      drafts.append(motion(false, at: moment, after: moment.delay(random.between(2, 9))))
    case .storage:
      storageFails = !storageFails && random.chance(0.2)
      drafts.append(storageFailure(at: moment))
    case nil: break
    }
  }

  private mutating func reportTemperature(at moment: Moment, random: inout SeededRandom, drafts: inout [Draft]) {
    temperature = min(66, max(36, temperature + random.between(-0.6, 0.6)))
    var out = PayloadWriter()
    out.text(#"{"SensorData":{"@UtcTime":""#)
    out.time(time(at: moment))
    out.text(#"","@SensorID":"board","Value":"#)
    out.decimal(temperature, 2)
    out.text("}}")
    drafts.append(Draft(topic: temperatureTopic, payload: out.bytes, nature: .dated, time: time(at: moment)))
    guard temperature > 62 else { return }
    let value = temperature
    drafts.append(
      Draft(
        topic: hotTopic,
        payload: event(at: moment, source: #""SensorID":"board""#) { out in
          out.text(#""Value":"#)
          out.decimal(value, 2)
          out.text(#","Threshold":62.0"#)
        }, nature: .dated, time: time(at: moment)))
  }

  private func motion(_ state: Bool, at moment: Moment, after delay: Span) -> Draft {
    let then = Moment(at: moment.at + delay, time: moment.time + delay, pace: moment.pace)
    let payload = event(at: then, source: writesStrings ? #""Source":"1""# : #""Source":1"#) { out in
      out.text(#""State":"#)
      boolean(state, to: &out)
    }
    return Draft(topic: motionTopic, payload: payload, nature: .dated, delay: delay, time: time(at: then))
  }

  /// A property: its last state is retained.
  private func storageFailure(at moment: Moment) -> Draft {
    let payload = event(at: moment, source: #""Token":"0""#) { out in
      out.text(#""Failed":"#)
      boolean(storageFails, to: &out)
    }
    return Draft(topic: storageTopic, payload: payload, nature: .state, isRetained: true, time: time(at: moment))
  }

  /// What its clock shows, in the milliseconds that it writes.
  private func time(at moment: Moment) -> Timestamp {
    clock.read(moment, uptime: uptime).floored(to: .milliseconds(1))
  }

  private func boolean(_ value: Bool, to out: inout PayloadWriter) {
    if writesStrings { out.text(#"""#) }
    out.boolean(value)
    if writesStrings { out.text(#"""#) }
  }

  private func event(at moment: Moment, source: StaticString, data: (inout PayloadWriter) -> Void) -> [UInt8] {
    var out = PayloadWriter()
    out.text(#"{"UtcTime":""#)
    out.time(time(at: moment))
    out.text(#"","Source":{"#)
    out.text(source)
    out.text(#"},"Data":{"#)
    data(&out)
    out.text("}}")
    return out.bytes
  }
}

extension Span {
  /// Sum; far from any overflow here, where spans are hours.
  static func + (a: Span, b: Span) -> Span { Span(nanoseconds: a.nanoseconds + b.nanoseconds) }
}

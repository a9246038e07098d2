import Telemetry

/// A Frigate box in a school, with `topic_prefix: frigate/{site}`: statistics, objects, motion and counts of its
/// cameras.
struct FrigateBox: DeviceModel {
  private struct Camera: Sendable {
    let name: String
    /// Until when an object is in front of it: no second one begins.
    var busyUntil = Span.zero
    /// Told of already: from then on the box's availability is its own, too.
    var isKnown = false
  }

  /// What Frigate is told to detect at; its boxes are small.
  private static let frameRate = 5.0
  /// Object begins: motion, count, new; it stays for 2 updates on average; it ends: end, count, motion.
  private static let messagesPerObject = 8.0

  let name: String
  let streams: [ReportStream]
  private let site: String
  private let prefix: String
  private let version: String
  private var cameras: [Camera]
  private var uptime: Uptime
  private var storageUsed: Double
  private var objects = 0

  init(
    site: String, cameras: [String], interval: Span, eventInterval: Span, random: inout SeededRandom
  ) {
    name = "frigate/\(site)"
    self.site = site
    prefix = "frigate/\(site)/"
    version = ["0.14.1-f4f3cfa", "0.15.2-a35b12c"][random.integer(0...1)]
    self.cameras = cameras.map { Camera(name: $0) }
    // One stream for all cameras, so that the box's memory is one; it comes as often as it has cameras.
    let between = eventInterval.nanoseconds / Int64(max(1, cameras.count))
    streams = [
      ReportStream(interval: interval),
      ReportStream(interval: Span(nanoseconds: between), jitter: 0.7, messages: FrigateBox.messagesPerObject),
    ]
    uptime = Uptime(random: &random)
    storageUsed = random.between(90_000, 220_000)
  }

  /// As after every connection to the broker: all states again, motion off. None of it is a transition.
  mutating func connect(at moment: Moment, random: inout SeededRandom, drafts: inout [Draft]) {
    drafts.append(availability("online"))
    for index in cameras.indices {
      cameras[index].isKnown = true
      cameras[index].busyUntil = moment.at
      let topic = prefix + cameras[index].name
      for var draft: Draft in [
        .announcement(topic + "/detect/state", "ON"), .announcement(topic + "/recordings/state", "ON"),
        .announcement(topic + "/motion", "OFF", retained: false),
      ] {
        draft.devices = [device(cameras[index].name)]
        drafts.append(draft)
      }
    }
  }

  /// What a gateway calls the camera.
  private func device(_ camera: String) -> String { "\(site)/\(camera)" }

  func will() -> [Draft] { [availability("offline")] }

  private func availability(_ state: String) -> Draft {
    var draft = Draft.announcement(prefix + "available", state)
    draft.devices = [name] + cameras.filter(\.isKnown).map { device($0.name) }
    return draft
  }

  mutating func restart(at moment: Moment) { uptime.restart(at: moment) }

  mutating func report(_ stream: Int, at moment: Moment, random: inout SeededRandom, drafts: inout [Draft]) {
    if stream == 0 {
      for index in cameras.indices { cameras[index].isKnown = true }
      drafts.append(
        Draft(
          topic: prefix + "stats", payload: statistics(at: moment, &random), nature: .dated,
          devices: [name] + cameras.map { device($0.name) }, time: moment.time.floored(to: .seconds(1))))
    } else {
      appear(at: moment, random: &random, drafts: &drafts)
    }
  }

  private mutating func statistics(at moment: Moment, _ random: inout SeededRandom) -> [UInt8] {
    storageUsed += random.between(0, 40)
    if storageUsed > 230_000 { storageUsed = 180_000 }
    var out = PayloadWriter(capacity: 900)
    out.text(#"{"cameras":{"#)
    var sum = 0.0
    for (index, camera) in cameras.enumerated() {
      let fps = FrigateBox.frameRate + random.between(-0.2, 0.1)
      sum += fps
      if index > 0 { out.text(",") }
      out.text(#"""#)
      out.string(camera.name)
      out.text(#"":{"camera_fps":"#)
      out.decimal(fps, 1)
      out.text(#","process_fps":"#)
      out.decimal(fps - 0.1, 1)
      out.text(#","skipped_fps":0.0,"detection_fps":"#)
      out.decimal(random.between(0, 6), 1)
      out.text(#","detection_enabled":true,"pid":"#)
      out.integer(300 + index * 2)
      out.text(#","capture_pid":"#)
      out.integer(301 + index * 2)
      out.text(#","ffmpeg_pid":"#)
      out.integer(400 + index)
      out.text(#","connection_quality":"excellent","expected_fps":5,"reconnects_last_hour":"#)
      out.integer(random.chance(0.05) ? 1 : 0)
      out.text(#","stalls_last_hour":0}"#)
    }
    out.text(#"},"detectors":{"coral":{"inference_speed":"#)
    out.decimal(random.between(7.5, 11), 2)
    out.text(#","detection_start":0.0,"pid":290}},"camera_fps":"#)
    out.decimal(sum, 1)
    out.text(#","process_fps":"#)
    out.decimal(sum, 1)
    out.text(#","skipped_fps":0.0,"detection_fps":"#)
    out.decimal(random.between(1, 9), 1)
    out.text(#","gpu_usages":{"intel-qsv":{"gpu":""#)
    out.decimal(random.between(3, 14), 1)
    out.text(#"%","mem":"-%"}},"service":{"uptime":"#)
    out.integer(uptime.seconds(at: moment))
    out.text(#","version":""#)
    out.string(version)
    out.text(#"","storage":{"/media/frigate/recordings":{"total":244529.7,"used":"#)
    out.decimal(storageUsed, 1)
    out.text(#","free":"#)
    out.decimal(244_529.7 - storageUsed, 1)
    out.text(#","mount_type":"ext4"}},"last_updated":"#)
    out.integer(moment.time.nanoseconds.flooredQuotient(1_000_000_000))
    out.text("}}")
    return out.bytes
  }

  /// An object comes, is followed and goes; all of it is planned now and told when it happens.
  private mutating func appear(at moment: Moment, random: inout SeededRandom, drafts: inout [Draft]) {
    guard !cameras.isEmpty else { return }
    let index = random.integer(0...cameras.count - 1)
    guard cameras[index].busyUntil <= moment.at else { return }
    let camera = cameras[index].name
    let object = FrigateObject(camera: camera, start: moment.time, number: objects, random: &random)
    objects += 1
    cameras[index].isKnown = true
    let topic = prefix + camera
    func tell(_ subject: String, _ text: String, after delay: Span = .zero) {
      var draft = Draft.undated("\(topic)/\(subject)", text)
      draft.devices = [device(camera)]
      draft.delay = delay
      drafts.append(draft)
    }
    tell("motion", "ON")
    tell(object.label, "1")
    drafts.append(event(object, "new", at: moment, after: 0, &random))
    var elapsed = 0.0
    for _ in 0..<random.integer(1...3) {
      elapsed += random.between(2, 5)
      drafts.append(event(object, "update", at: moment, after: elapsed, &random))
    }
    elapsed += random.between(1, 6)
    drafts.append(event(object, "end", at: moment, after: elapsed, &random))
    tell(object.label, "0", after: moment.delay(elapsed))
    tell("motion", "OFF", after: moment.delay(elapsed + 3))
    cameras[index].busyUntil = moment.at + moment.delay(elapsed + 4)
  }

  private func event(
    _ object: FrigateObject, _ type: StaticString, at moment: Moment, after seconds: Double,
    _ random: inout SeededRandom
  ) -> Draft {
    let delay = moment.delay(seconds)
    let time = (moment.time + delay).floored(to: FrigateObject.precision)
    let payload = object.event(type, at: time, random: &random)
    return Draft(
      topic: prefix + "events", payload: payload, nature: .dated, delay: delay, devices: [device(object.camera)],
      time: time)
  }
}

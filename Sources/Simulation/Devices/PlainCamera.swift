import Telemetry

/// A camera whose maker publishes one flat JSON object: `school/{site}/cctv/{camera}/telemetry`. `n` counts its
/// reports and goes on over restarts, so that no two are equal.
struct PlainCamera: DeviceModel {
  /// What a healthy one delivers.
  static let frameRate = 25.0

  let name: String
  let streams: [ReportStream]
  private let telemetryTopic: String
  private let statusTopic: String
  private let firmware: String
  private let clock: DeviceClock
  private let drift: Drift?
  private var uptime: Uptime
  private var number: Int64 = 0
  private var frames: Double
  private var lastReport: Span?
  private var temperature: Double

  init(
    site: String, camera: String, interval: Span, clock: DeviceClock, drift: Drift?, random: inout SeededRandom
  ) {
    name = "\(site)/\(camera)"
    streams = [ReportStream(interval: interval)]
    telemetryTopic = "school/\(site)/cctv/\(camera)/telemetry"
    statusTopic = "school/\(site)/cctv/\(camera)/status"
    firmware = ["2.8.1", "2.8.4", "3.0.0-rc2"][random.integer(0...2)]
    self.clock = clock
    self.drift = drift
    uptime = Uptime(random: &random)
    frames = (random.between(1e5, 5e6)).rounded()
    temperature = random.between(38, 52)
  }

  var keepsReadings: Bool { true }
  var hasWrongClock: Bool { clock.isWrong }

  mutating func connect(at moment: Moment, random: inout SeededRandom, drafts: inout [Draft]) {
    drafts.append(.announcement(statusTopic, "online"))
  }

  func will() -> [Draft] { [.announcement(statusTopic, "offline")] }

  mutating func restart(at moment: Moment) {
    uptime.restart(at: moment)
    frames = 0
    lastReport = moment.at
  }

  mutating func report(_ stream: Int, at moment: Moment, random: inout SeededRandom, drafts: inout [Draft]) {
    let worse = drift.level(at: moment)
    let fps = PlainCamera.frameRate * (1 - 0.7 * worse) + random.between(-0.6, 0.1)
    frames += fps * (lastReport.map { moment.at.seconds - $0.seconds } ?? 0)
    lastReport = moment.at
    temperature = min(58, max(34, temperature + random.between(-0.4, 0.4)))
    number += 1
    let time = clock.read(moment, uptime: uptime).floored(to: .milliseconds(1))
    var out = PayloadWriter()
    out.text(#"{"ts":"#)
    out.integer(time.milliseconds)
    out.text(#","fps":"#)
    out.decimal(fps, 1)
    out.text(#","bitrate":"#)
    out.integer(Int64(fps * random.between(84, 120)))
    out.text(#","temp":"#)
    out.decimal(temperature, 1)
    out.text(#","uptime":"#)
    out.integer(uptime.seconds(at: moment))
    out.text(#","frames":"#)
    out.integer(Int64(frames))
    out.text(#","recording":"#)
    out.boolean(!random.chance(0.01))
    out.text(#","status":"online","n":"#)
    out.integer(number)
    out.text(#","fw":""#)
    out.string(firmware)
    out.text(#""}"#)
    drafts.append(
      Draft(
        topic: telemetryTopic, payload: out.bytes, nature: .dated, kind: worse > 0 ? .drift : .regular, time: time))
  }
}

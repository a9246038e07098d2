import Telemetry

/// The Tasmota power meter in front of a videotron: `tele/{videotron}-power/…`. Its `Time` is naive local time; half
/// of them add an `Epoch`.
struct PowerMeter: DeviceModel {
  let name: String
  let streams: [ReportStream]
  private let prefix: String
  private let tellsEpoch: Bool
  private let clock: DeviceClock
  private var uptime: Uptime
  private var total: Double
  private var today: Double
  private let yesterday: Double
  private let installed: Timestamp
  private var lastReport: Span?

  /// - Parameter installed: since when it counts energy.
  init(
    videotron: String, interval: Span, installed: Timestamp, clock: DeviceClock, random: inout SeededRandom
  ) {
    name = videotron + "-power"
    prefix = "tele/\(name)/"
    // STATE comes with every fifth SENSOR or so.
    streams = [ReportStream(interval: interval), ReportStream(interval: Span(nanoseconds: interval.nanoseconds * 5))]
    tellsEpoch = random.chance(0.5)
    self.clock = clock
    self.installed = installed
    uptime = Uptime(random: &random)
    total = random.between(900, 9000)
    today = random.between(1, 12)
    yesterday = random.between(14, 30)
  }

  var hasWrongClock: Bool { clock.isWrong }

  mutating func connect(at moment: Moment, random: inout SeededRandom, drafts: inout [Draft]) {
    drafts.append(.announcement(prefix + "LWT", "Online"))
  }

  func will() -> [Draft] { [.announcement(prefix + "LWT", "Offline")] }

  /// Energy is kept in flash; only the uptime begins again.
  mutating func restart(at moment: Moment) { uptime.restart(at: moment) }

  mutating func report(_ stream: Int, at moment: Moment, random: inout SeededRandom, drafts: inout [Draft]) {
    let payload = stream == 0 ? sensor(at: moment, &random) : state(at: moment, &random)
    drafts.append(
      Draft(
        topic: prefix + (stream == 0 ? "SENSOR" : "STATE"), payload: payload, nature: .dated,
        time: clock.read(moment, uptime: uptime).floored(to: .seconds(1))))
  }

  private func head(at moment: Moment) -> PayloadWriter {
    let time = clock.read(moment, uptime: uptime)
    var out = PayloadWriter(capacity: 420)
    out.text(#"{"Time":""#)
    LocalTime(time).writeNaive(to: &out)
    if tellsEpoch {
      out.text(#"","Epoch":"#)
      out.integer(time.nanoseconds.flooredQuotient(1_000_000_000))
    } else {
      out.text(#"""#)
    }
    return out
  }

  private mutating func sensor(at moment: Moment, _ random: inout SeededRandom) -> [UInt8] {
    let watts = random.between(900, 2700)
    let hours = (lastReport.map { moment.at.seconds - $0.seconds } ?? 0) / 3600
    lastReport = moment.at
    total += watts / 1000 * hours
    today += watts / 1000 * hours
    let volts = random.between(212, 231)
    let factor = random.between(0.93, 0.99)
    var out = head(at: moment)
    out.text(#","ENERGY":{"TotalStartTime":""#)
    LocalTime(installed).writeNaive(to: &out)
    out.text(#"","Total":"#)
    out.decimal(total, 3)
    out.text(#","Yesterday":"#)
    out.decimal(yesterday, 3)
    out.text(#","Today":"#)
    out.decimal(today, 3)
    out.text(#","Period":"#)
    out.integer(Int64(watts * hours))
    out.text(#","Power":"#)
    out.integer(Int64(watts))
    out.text(#","ApparentPower":"#)
    out.integer(Int64(watts / factor))
    out.text(#","ReactivePower":"#)
    out.integer(Int64(watts * (1 - factor) * 3))
    out.text(#","Factor":"#)
    out.decimal(factor, 2)
    out.text(#","Voltage":"#)
    out.integer(Int64(volts))
    out.text(#","Current":"#)
    out.decimal(watts / factor / volts, 3)
    out.text("}}")
    return out.bytes
  }

  private func state(at moment: Moment, _ random: inout SeededRandom) -> [UInt8] {
    let up = uptime.seconds(at: moment)
    var out = head(at: moment)
    out.text(#","Uptime":""#)
    out.integer(up / 86_400)
    out.text("T")
    out.padded(Int(up / 3600 % 24), 2)
    out.text(":")
    out.padded(Int(up / 60 % 60), 2)
    out.text(":")
    out.padded(Int(up % 60), 2)
    out.text(#"","UptimeSec":"#)
    out.integer(up)
    out.text(#","Heap":"#)
    out.integer(random.integer(22...29))
    out.text(#","SleepMode":"Dynamic","Sleep":50,"LoadAvg":"#)
    out.integer(random.integer(17...24))
    out.text(#","MqttCount":"#)
    out.integer(random.integer(1...6))
    out.text(#","POWER":"ON","Wifi":{"AP":1,"SSId":"dinas-kominfo","BSSId":"02:00:5E:10:00:01","Channel":"#)
    out.integer(random.integer(1...11))
    out.text(#","Mode":"11n","RSSI":"#)
    let signal = random.integer(-74 ... -51)
    out.integer(min(100, 2 * (signal + 100)))
    out.text(#","Signal":"#)
    out.integer(signal)
    out.text(#","LinkCount":1,"Downtime":"0T00:00:06"}}"#)
    return out.bytes
  }
}

import Telemetry

/// An optical distribution cabinet. Its switch is read over SNMP by Telegraf (`telegraf/{node}/…`, influx lines);
/// its small sensors publish one value a topic (`odc/{node}/…`), with the decimal comma of their maker. A third of
/// the nodes measure their light by such a sensor, the others by the switch.
struct FiberNode: DeviceModel {
  private enum Stream: Int { case interfaces, light, temperature, battery, door }

  private struct Interface: Sendable {
    let name: String
    /// Bytes a second, in and out.
    let rates: (Double, Double)
    var octets: (UInt64, UInt64)
  }

  let name: String
  let streams: [ReportStream]
  private let number: Int
  private let hasLightSensor: Bool
  private let hasNarrowCounters: Bool
  private let light: Double
  private let lightDrift: Drift?
  private let batteryDrift: Drift?
  private var interfaces: [Interface]
  private var temperature: Double
  private var lastReport: Span?

  init(
    name: String, number: Int, interval: Span, narrowCounters: Bool, lightDrift: Drift?, batteryDrift: Drift?,
    random: inout SeededRandom
  ) {
    self.name = name
    self.number = number
    streams = [
      ReportStream(interval: interval), ReportStream(interval: interval), ReportStream(interval: interval),
      ReportStream(interval: interval, messages: 2),
      ReportStream(interval: Span(nanoseconds: interval.nanoseconds * 20), jitter: 0.8, messages: 2),
    ]
    hasLightSensor = number % 3 == 0
    hasNarrowCounters = narrowCounters
    light = random.between(-20.5, -17)
    self.lightDrift = lightDrift
    self.batteryDrift = batteryDrift
    temperature = random.between(29, 37)
    interfaces = ["xe-0/0/0", "ge-0/0/1"].map { port in
      let rates = (random.between(2e6, 11e6), random.between(4e5, 3e6))
      let octets =
        narrowCounters
        // Near the end of 32 bits, so that a wrap comes within the first ten minutes.
        ? (UInt64(UInt32.max) - UInt64(rates.0 * random.between(5, 350)), UInt64(random.between(1e6, 4e9)))
        : (UInt64(random.between(1e11, 1e14)), UInt64(random.between(1e10, 1e13)))
      return Interface(name: port, rates: rates, octets: octets)
    }
  }

  /// Telegraf buffers what it can't write.
  var keepsReadings: Bool { true }

  mutating func connect(at moment: Moment, random: inout SeededRandom, drafts: inout [Draft]) {
    drafts.append(.announcement("odc/\(name)/status", "online"))
    drafts.append(.announcement("odc/\(name)/door", "OFF"))
  }

  func will() -> [Draft] { [.announcement("odc/\(name)/status", "offline")] }

  mutating func restart(at moment: Moment) {
    for index in interfaces.indices { interfaces[index].octets = (0, 0) }
    lastReport = moment.at
  }

  mutating func report(_ stream: Int, at moment: Moment, random: inout SeededRandom, drafts: inout [Draft]) {
    switch Stream(rawValue: stream) {
    case .interfaces: drafts.append(counters(at: moment, &random))
    case .light: drafts.append(opticalPower(at: moment, &random))
    case .temperature:
      temperature = min(44, max(26, temperature + random.between(-0.3, 0.3)))
      drafts.append(value("temp") { $0.decimal(temperature, 1, point: ",") })
    case .battery: power(at: moment, &random, drafts: &drafts)
    case .door:
      drafts.append(.undated("odc/\(name)/door", "ON"))
      var shut = Draft.undated("odc/\(name)/door", "OFF")
      shut.delay = moment.delay(random.between(20, 90))
      drafts.append(shut)
    case nil: break
    }
  }

  private mutating func counters(at moment: Moment, _ random: inout SeededRandom) -> Draft {
    let elapsed = lastReport.map { max(0, moment.at.seconds - $0.seconds) } ?? 0
    lastReport = moment.at
    var out = PayloadWriter(capacity: 640)
    for index in interfaces.indices {
      let load = random.between(0.6, 1.2)
      advance(&interfaces[index].octets.0, by: interfaces[index].rates.0 * load * elapsed)
      advance(&interfaces[index].octets.1, by: interfaces[index].rates.1 * load * elapsed)
      let interface = interfaces[index]
      out.text("interface,")
      tags(interface.name, index: index + 1, to: &out)
      out.text(hasNarrowCounters ? " ifInOctets=" : " ifHCInOctets=")
      out.integer(Int64(interface.octets.0))
      out.text(hasNarrowCounters ? "i,ifOutOctets=" : "i,ifHCOutOctets=")
      out.integer(Int64(interface.octets.1))
      out.text("i,ifAdminStatus=1i,ifOperStatus=1i,ifInErrors=")
      out.integer(random.chance(0.02) ? 1 : 0)
      out.text("i,ifOutErrors=0i ")
      out.integer(moment.time.nanoseconds)
      out.text("\n")
    }
    return Draft(topic: "telegraf/\(name)/interface", payload: out.bytes, nature: .dated, time: moment.time)
  }

  private func advance(_ counter: inout UInt64, by bytes: Double) {
    counter += UInt64(max(0, bytes))
    if hasNarrowCounters { counter &= 0xffff_ffff }
  }

  /// Weak light slides 9.5 dB down: from −17 to −20.5 dBm well below the −27 dBm of class B+ optics.
  private func opticalPower(at moment: Moment, _ random: inout SeededRandom) -> Draft {
    let level = lightDrift.level(at: moment)
    let power = light - 9.5 * level + random.between(-0.15, 0.15)
    let kind: Irregularity = level > 0 ? .drift : .regular
    if hasLightSensor {
      var draft = value("rx") { out in
        out.decimal(power, 2)
        out.text(" dBm")
      }
      draft.kind = kind
      return draft
    }
    var out = PayloadWriter()
    out.text("optical,")
    tags("xe-0/0/0", index: 1, to: &out)
    out.text(" input_power_instant=")
    out.decimal(power, 2)
    out.text(",output_power_instant=")
    out.decimal(random.between(1.8, 2.4), 2)
    out.text(",laser_bias_current=")
    out.decimal(random.between(28, 36), 2)
    out.text(",laser_temperature=")
    out.decimal(temperature + 6, 1)
    out.text(",supply_voltage=")
    out.decimal(random.between(3.27, 3.33), 3)
    out.text(" ")
    out.integer(moment.time.nanoseconds)
    out.text("\n")
    return Draft(
      topic: "telegraf/\(name)/optical", payload: out.bytes, nature: .dated, kind: kind, time: moment.time)
  }

  /// The UPS: its status in the tokens of Network UPS Tools, and the charge in per cent.
  private func power(at moment: Moment, _ random: inout SeededRandom, drafts: inout [Draft]) {
    let level = batteryDrift.level(at: moment)
    let charge = Int((100 - 94 * level - random.between(0, 1)).rounded())
    let tokens = level == 0 ? "OL" : (charge < 20 ? "OB DISCHRG LB" : "OB DISCHRG")
    var status = Draft.undated("odc/\(name)/ups", tokens)
    status.kind = level > 0 ? .drift : .regular
    drafts.append(status)
    var battery = value("battery") { $0.integer(charge) }
    battery.kind = status.kind
    drafts.append(battery)
  }

  private func value(_ topic: String, _ write: (inout PayloadWriter) -> Void) -> Draft {
    var out = PayloadWriter(capacity: 16)
    write(&out)
    return Draft(topic: "odc/\(name)/\(topic)", payload: out.bytes, nature: .undated)
  }

  private func tags(_ interface: String, index: Int, to out: inout PayloadWriter) {
    out.text("agent_host=10.44.")
    out.integer(number / 250)
    out.text(".")
    out.integer(number % 250 + 1)
    out.text(",ifIndex=")
    out.integer(index)
    out.text(",ifName=")
    out.string(interface)
    out.text(",sysName=")
    out.string(name)
  }
}

import Telemetry
import Testing

@testable import Decoding

/// The repository's own payloads, in the shapes that devices send.
@Suite("fixtures")
struct FixtureTests {
  private func lines(_ name: String, zone: String = "Asia/Jakarta") throws -> (lines: [String], times: Set<String>) {
    let file = try #require(Files.cases.first { $0.name == name })
    let bench = try Bench(format: file.format, zone: zone)
    let lines = bench.lines(file.topic, file.payload)
    #expect(bench.isDecoded)
    return (lines, Set(bench.observations.map { "\($0.timeSource.rawValue) \(RFC3339.format($0.time))" }))
  }

  @Test("every file decodes without a fault")
  func all() throws {
    #expect(Files.cases.count >= 18)
    for file in Files.cases {
      let bench = try Bench(format: file.format)
      #expect(!bench.decode(file.topic, file.payload).isEmpty, "\(file.name)")
      #expect(bench.isDecoded, "\(file.name): \(bench.faults)")
    }
  }

  @Test("every metric stands in its format's catalogue, with its unit and kind")
  func catalogue() throws {
    for file in Files.cases where file.format != "json" {
      let catalogue = Decoder.catalogue(of: file.format)
      #expect(!catalogue.isEmpty)
      let bench = try Bench(format: file.format)
      for observation in bench.decode(file.topic, file.payload) {
        let series = observation.series
        let entry = catalogue.first {
          $0.covers(series.metric) && $0.kind == series.kind && ($0.unit == series.unit || file.format == "senml")
        }
        #expect(entry != nil, "\(file.name): \(series.metric) in \(series.unit)")
      }
    }
  }

  @Test("a new Frigate event counts, with its object and key")
  func frigateNew() throws {
    let (lines, times) = try lines("frigate-event-new.json")
    #expect(
      lines == [
        "nvr-balai/lobby camera.detections{object=motorcycle} = 1.0 id=1795318700.125-abc12x 1 event",
        "nvr-balai/lobby camera.detection.score{object=motorcycle} = 0.71875 1 gauge",
      ])
    #expect(times == ["payload 2026-11-22T03:38:21.500Z"])
  }

  @Test("a Frigate event's end tells how long it was, and counts nothing")
  func frigateEnd() throws {
    let (lines, times) = try lines("frigate-event-end.json")
    #expect(
      lines == [
        "nvr-balai/lobby camera.detection.score{object=motorcycle} = 0.5 1 gauge",
        "nvr-balai/lobby camera.detection.duration{object=motorcycle} = 8.5 s gauge",
      ])
    #expect(times == ["payload 2026-11-22T03:38:28.500Z"])
  }

  @Test("a new Frigate review counts")
  func frigateReview() throws {
    #expect(
      try lines("frigate-review-new.json").lines == [
        "nvr-balai/lobby camera.reviews = 1.0 id=1795318700.5-zzz999 severity=alert 1 event",
        "nvr-balai/lobby camera.review.severity = alert 1 state",
      ])
  }

  @Test("Frigate's statistics")
  func frigateStats() throws {
    let (lines, times) = try lines("frigate-stats.json")
    #expect(
      lines == [
        "nvr-balai/lobby camera.fps = 9.5 1/s gauge", "nvr-balai/lobby camera.process_fps = 9.4 1/s gauge",
        "nvr-balai/lobby camera.skipped_fps = 0.1 1/s gauge", "nvr-balai/lobby camera.detection_fps = 2.5 1/s gauge",
        "nvr-balai/lobby camera.expected_fps = 10.0 1/s gauge", "nvr-balai/lobby camera.reconnects = 2.0 1/h gauge",
        "nvr-balai/lobby camera.stalls = 1.0 1/h gauge", "nvr-balai/lobby camera.connection_quality = fair 1 state",
        "nvr-balai/lobby camera.detection = false 1 state", "nvr-balai frigate.detection_fps = 2.5 1/s gauge",
        "nvr-balai frigate.detector.inference_time{detector=coral} = 10.25 ms gauge",
        "nvr-balai hw.gpu.utilization{gpu=intel-qsv} = 0.125 1 gauge",
        "nvr-balai system.cpu.utilization = 0.375 1 gauge", "nvr-balai system.memory.utilization = 0.625 1 gauge",
        "nvr-balai system.uptime = 86400.0 s gauge", "nvr-balai hw.temperature{sensor=apex_0} = 44.5 Cel gauge",
        "nvr-balai system.filesystem.usage{mountpoint=/media/frigate/recordings} = 536870912.0 By gauge",
        "nvr-balai system.filesystem.limit{mountpoint=/media/frigate/recordings} = 2147483648.0 By gauge",
      ])
    #expect(times == ["payload 2026-11-22T03:39:50Z"])
  }

  @Test("Frigate's early statistics have the cameras at the root, and no time")
  func frigateEarly() throws {
    let (lines, times) = try lines("frigate-stats-early.json")
    #expect(
      lines.filter { $0.contains("gerbang") } == [
        "nvr-lama/gerbang camera.fps = 5.1 1/s gauge", "nvr-lama/gerbang camera.process_fps = 5.0 1/s gauge",
        "nvr-lama/gerbang camera.skipped_fps = 0.0 1/s gauge", "nvr-lama/gerbang camera.detection_fps = 1.5 1/s gauge",
      ])
    #expect(times == ["received 2026-11-22T03:40:12.900Z"])
  }

  @Test("ONVIF events, typed or not, known or not")
  func onvif() throws {
    #expect(
      try lines("onvif-motion.json").lines == ["dinas/kamera 4 camera.motion{VideoSource=0} = false 1 state"])
    #expect(
      try lines("onvif-line.json").lines == [
        "dinas/kamera-4 camera.line_crossed{Rule=Pagar,VideoSource=0} = 1.0 ObjectId=88 1 event"
      ])
    #expect(
      try lines("onvif-unknown.json").lines == [
        "dinas/kamera-4 onvif.Monitoring.ProcessorUsage.Value{Token=0} = 43.5 1 gauge",
        "dinas/kamera-4 onvif.Monitoring.ProcessorUsage.Throttled{Token=0} = false 1 state",
      ])
    let (sensors, times) = try lines("onvif-sensor.json")
    #expect(
      sensors == [
        "dinas/kamera-4 hw.humidity{SensorID=h1} = 81.5 % gauge",
        "dinas/kamera-4 hw.humidity{SensorID=h2} = 79.0 % gauge",
      ])
    #expect(times == ["payload 2026-11-22T03:39:53Z", "payload 2026-11-22T03:39:54Z"])
  }

  @Test("Axis events")
  func axis() throws {
    #expect(try lines("axis-port.json").lines == ["B8A44F000001 digital_input{port=2} = true 1 state"])
    #expect(try lines("axis-port.json").times == ["payload 2026-11-22T03:39:55.125Z"])
    #expect(
      try lines("axis-unknown.json").lines == [
        "B8A44F000001 axis.Storage.Recording.recording{disk=SD_DISK} = true 1 state",
        "B8A44F000001 axis.Storage.Recording.quality{disk=SD_DISK} = 0.5 1 gauge",
      ])
  }

  @Test("Tasmota's phases, in the units of the catalogue")
  func tasmotaEnergy() throws {
    let (lines, times) = try lines("tasmota-energy.json")
    #expect(
      lines == [
        "meter-puskesmas hw.energy{phase=1} = 9000000.0 J counter",
        "meter-puskesmas hw.energy{phase=2} = 4500000.0 J counter",
        "meter-puskesmas hw.power{phase=1} = 120.0 W gauge", "meter-puskesmas hw.power{phase=2} = 80.0 W gauge",
        "meter-puskesmas hw.apparent_power{phase=1} = 130.0 V.A gauge",
        "meter-puskesmas hw.apparent_power{phase=2} = 90.0 V.A gauge",
        "meter-puskesmas hw.reactive_power{phase=1} = 50.0 var gauge",
        "meter-puskesmas hw.reactive_power{phase=2} = 41.0 var gauge",
        "meter-puskesmas hw.power_factor{phase=1} = 0.92 1 gauge",
        "meter-puskesmas hw.power_factor{phase=2} = 0.89 1 gauge",
        "meter-puskesmas hw.frequency = 50.0 Hz gauge", "meter-puskesmas hw.voltage{phase=1} = 221.0 V gauge",
        "meter-puskesmas hw.voltage{phase=2} = 219.0 V gauge", "meter-puskesmas hw.current{phase=1} = 0.59 A gauge",
        "meter-puskesmas hw.current{phase=2} = 0.41 A gauge",
        "meter-puskesmas hw.energy.exported = 1800000.0 J counter",
        "meter-puskesmas switch.input{channel=Switch1} = on 1 state",
      ])
    #expect(times == ["payload 2026-11-22T03:40:00Z"])
  }

  @Test("Tasmota's sensors are known by their Id where they have one")
  func tasmotaSensors() throws {
    #expect(
      try lines("tasmota-sensors.json").lines == [
        "panel-3 hw.temperature{sensor=01193A7C2B4D} = 38.5 Cel gauge",
        "panel-3 hw.temperature{sensor=01193A7C9F10} = 41.25 Cel gauge",
        "panel-3 hw.temperature{sensor=AM2301} = 31.5 Cel gauge", "panel-3 hw.humidity{sensor=AM2301} = 74.5 % gauge",
        "panel-3 hw.dew_point{sensor=AM2301} = 26.5 Cel gauge",
        "panel-3 ambient.light{sensor=BH1750} = 1250.0 lx gauge",
        "panel-3 tasmota.ANALOG.A0{sensor=ANALOG} = 512.0 1 gauge",
      ])
  }

  @Test("Tasmota's Epoch goes before its local time; RSSI is per cent and Signal dBm")
  func tasmotaState() throws {
    let (lines, times) = try lines("tasmota-state.json", zone: "UTC")
    #expect(times == ["payload 2026-11-22T03:40:02Z"])
    #expect(lines.contains("panel-3 wifi.quality = 74.0 % gauge"))
    #expect(lines.contains("panel-3 wifi.signal = -63.0 dBm gauge"))
    #expect(lines.contains("panel-3 switch.state{channel=POWER2} = off 1 state"))
    #expect(lines.contains("panel-3 system.uptime = 93784.0 s gauge"))
  }

  @Test("Telegraf's interfaces: 64 bits go before 32, escapes are undone")
  func telegrafInterface() throws {
    let (lines, times) = try lines("telegraf-interface.influx")
    #expect(
      lines == [
        "192.0.2.7 hw.network.io{direction=receive,interface=sfp-1} = 9000000000.0 By counter",
        "192.0.2.7 hw.network.io{direction=transmit,interface=sfp-1} = 7000.0 By counter",
        "192.0.2.7 hw.errors{direction=receive,interface=sfp-1} = 2.0 {error} counter",
        "192.0.2.7 hw.network.discards{direction=transmit,interface=sfp-1} = 1.0 {packet} counter",
        "192.0.2.7 interface.oper_status{interface=sfp-1} = up 1 state",
        "192.0.2.7 hw.network.bandwidth.limit{interface=sfp-1} = 125000000.0 By/s gauge",
        "192.0.2.7 interface.ifAlias{interface=sfp-1} = uplink, \"timur\" 1 state",
        "192.0.2.7 hw.network.packets{direction=receive,interface=sfp 2,type=unicast} = 55.0 {packet} counter",
        "192.0.2.7 interface.oper_status{interface=sfp 2} = down 1 state",
        "192.0.2.7 interface.ifPromiscuous{interface=sfp 2} = false 1 state",
      ])
    #expect(times == ["payload 2026-11-22T03:40:00Z"])
  }

  @Test("Telegraf's JSON batches, seconds or milliseconds; optics in dBm")
  func telegrafBatch() throws {
    let (lines, times) = try lines("telegraf-batch.json")
    #expect(
      lines == [
        "collector battery.charge{ups_name=odc-12} = 0.875 1 gauge",
        "collector battery.time_left{ups_name=odc-12} = 600.0 s gauge",
        "collector upsd.load_percent{ups_name=odc-12} = 31.0 1 gauge",
        "collector upsd.status_flags{ups_name=odc-12} = OL 1 state",
        "collector cpu.usage_idle{cpu=cpu0} = 92.5 1 gauge",
      ])
    #expect(times == ["payload 2026-11-22T03:40:02Z", "payload 2026-11-22T03:40:03Z"])
    #expect(
      try self.lines("telegraf-optics.influx").lines == [
        "192.0.2.9 optical.input-power{name=port-1} = -21.75 dBm gauge",
        "192.0.2.9 optical.output-power{name=port-1} = 2.5 dBm gauge",
      ])
  }

  @Test("SenML's base fields hold for the records after them")
  func senml() throws {
    let (lines, times) = try lines("senml.json")
    #expect(
      lines == [
        "urn:dev:mac:0024befffe804ff1 current = 1.75 A gauge", "urn:dev:mac:0024befffe804ff1 current = 1.5 A gauge",
        "urn:dev:mac:0024befffe804ff1 door = true 1 state", "urn:dev:mac:0024befffe804ff1 model = GX-4 1 state",
        "urn:dev:mac:0024befffe804ff1 energy.sum = 125.5 W.s counter",
      ])
    #expect(times == ["payload 2026-11-22T03:39:50Z", "payload 2026-11-22T03:39:55Z"])
  }

  @Test("a Sparkplug node's birth")
  func sparkplug() throws {
    let (lines, times) = try lines("sparkplug-birth.bin")
    #expect(
      lines == [
        "kota/odc-21 availability = online 1 state", "kota/odc-21 optik.daya_terima = -22.75 1 gauge",
        "kota/odc-21 kabinet.suhu = -3.0 1 gauge", "kota/odc-21 kabinet.pintu = true 1 state",
        "kota/odc-21 kabinet.model = ODC-144 1 state",
      ])
    #expect(times == ["payload 2026-11-22T03:40:00Z"])
  }
}

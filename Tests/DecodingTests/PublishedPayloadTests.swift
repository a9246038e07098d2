import Telemetry
import Testing

@testable import Decoding

/// Payloads as devices' makers and users publish them, read where they lie beside the repository.
@Suite("published payloads", .enabled(if: Files.haveSamples, "the published payloads are not beside the repository"))
struct PublishedPayloadTests {
  private func run(_ name: String) throws -> Bench {
    let file = try #require(Files.published.first { $0.name == name })
    let bench = try Bench(format: file.format)
    bench.decode(file.topic, file.payload)
    return bench
  }

  private func lines(_ name: String) throws -> [String] { try run(name).observations.map(Bench.line) }

  @Test(
    "what is published as broken is refused with a place",
    arguments: [
      ("onvif_ej_INVALID_spec_example2.txt", "byte 40: a control character or line end inside a text"),
      ("onvif_ej_INVALID_spec_example3.txt", "byte 9: text after the end of the document"),
    ])
  func invalid(_ name: String, _ fault: String) throws {
    let bench = try run(name)
    #expect(bench.isRefused)
    #expect(bench.faults == [fault])
  }

  @Test("a comma too many is refused with its byte")
  func doubleComma() throws {
    let bench = try Bench(format: "json")
    bench.decode("t", Files.sample("blueiris_INVALID_double_comma.txt"))
    #expect(bench.faults == ["byte 51: a key in quotes should stand here"])
  }

  @Test("Frigate")
  func frigate() throws {
    let update = try run("frigate_events_update.json")
    #expect(
      update.observations.map(Bench.line) == [
        "frigate/front_door camera.detection.score{object=person} = 0.87890625 1 gauge"
      ])
    #expect(update.times == ["2020-12-04T23:19:22.082975Z"])
    #expect(try lines("frigate_reviews_update.json") == ["frigate/front_cam camera.review.severity = alert 1 state"])
    let states = [
      ("frigate_available_online.txt", "frigate availability = online 1 state"),
      ("frigate_available_stopped.txt", "frigate availability = stopped 1 state"),
      ("frigate_available_lwt.txt", "frigate availability = offline 1 state"),
      ("frigate_motion_on.txt", "frigate/front_door camera.motion = true 1 state"),
      ("frigate_detect_state.txt", "frigate/front_door camera.detection = false 1 state"),
      ("frigate_status_role.txt", "frigate/front_door availability{role=record} = offline 1 state"),
      ("frigate_object_count.txt", "frigate/front_door camera.objects{object=person} = 2.0 1 gauge"),
      ("frigate_review_status.txt", "frigate/front_door camera.review.status = alert 1 state"),
      (
        "frigate_motion_threshold.txt",
        "frigate/front_door camera.setting.value{setting=motion_threshold} = 30.0 1 gauge"
      ),
    ]
    for (name, expected) in states { #expect(try lines(name) == [expected]) }
    let early = try lines("frigate_stats_v08_flat.json")
    #expect(early.contains("frigate/front_door camera.fps = 4.1 1/s gauge"))
    #expect(early.contains("frigate frigate.detector.inference_time{detector=cpu2} = 84.99 ms gauge"))
    let present = try run("frigate_stats_current_shape.json")
    let presentLines = present.observations.map(Bench.line)
    #expect(presentLines.contains("frigate/fronthouse camera.reconnects = 12.0 1/h gauge"))
    #expect(presentLines.contains("frigate/fronthouse camera.connection_quality = unusable 1 state"))
    #expect(presentLines.contains("frigate hw.gpu.utilization{gpu=NVIDIA GeForce RTX 5060 Ti} = 0.09 1 gauge"))
    #expect(presentLines.contains("frigate hw.temperature{gpu=NVIDIA GeForce RTX 5060 Ti} = 51.0 Cel gauge"))
    #expect(Set(present.times) == ["2023-11-14T22:13:20Z"])
  }

  @Test("ONVIF")
  func onvif() throws {
    let typed = try lines("onvif_ej_motion_typed.json")
    #expect(typed == ["LPR/Response camera.motion{Source=1} = true 1 state"])
    #expect(try lines("onvif_ej_motion_stringly.json") == typed)
    #expect(
      try lines("onvif_ej_linecrossed.json") == [
        "MyDevice camera.line_crossed{AnalyticsConfiguration=2,Rule=MyImportantFence1,VideoSource=1}"
          + " = 1.0 ObjectId=15 1 event"
      ])
    // 2008 is before any clock that counts.
    #expect(try run("onvif_ej_linecrossed.json").timeSources == ["received"])
    #expect(
      try lines("onvif_ej_temperature_high.json") == [
        "MyDevice hw.temperature{SensorID=temp_001} = 28.65 Cel gauge",
        "MyDevice hw.temperature.limit{SensorID=temp_001} = 25.15 Cel gauge",
      ])
    #expect(try lines("onvif_ej_storagefailure.json") == ["MyDevice hw.storage.failure{Token=0} = true 1 state"])
    #expect(try run("onvif_ej_deleted_property.bin").isIgnored)
    #expect(
      try lines("onvif_mj_videoanalytics_frame.json") == [
        "MyDevice camera.objects{object=Human,source=MyClassifier} = 1.0 1 gauge"
      ])
    #expect(
      try lines("onvif_mj_sensordata_temperature.json") == [
        "MyDevice hw.temperature{SensorID=temp_001} = 298.65 Cel gauge"
      ])
    #expect(
      try lines("onvif_ej_bosch_counter.json") == [
        "site/bentley/418-PCD-01-0001 camera.count{source=1/Internal Door Inbound} = 5.0 1 counter"
      ])
    #expect(
      try lines("onvif_ej_hanwha_digitalinput_topic.json") == [
        "E4:30:22:EB:D7:F9 digital_input{Token=0} = true 1 state"
      ])
  }

  @Test("Axis")
  func axis() throws {
    let port = try run("axis_event_ioport.json")
    #expect(port.observations.map(Bench.line) == ["ACCC8E000000 digital_input{port=1} = false 1 state"])
    #expect(port.times == ["2026-07-29T11:39:10.144Z"])
    let scenario = try run("axis_event_aoa.json")
    #expect(
      scenario.observations.map(Bench.line) == [
        "B8A44FC5C075 camera.object_detected{scenario=Device1ScenarioANY} = true 1 state"
      ])
    // In seconds, where the real bridge sends milliseconds.
    #expect(scenario.times == ["2024-06-06T16:00:00Z"])
  }

  @Test("Tasmota")
  func tasmota() throws {
    #expect(
      try lines("tasmota_energy_sensor.json") == [
        "pow1 hw.energy = 22658400.0 J counter", "pow1 hw.power = 2635.0 W gauge",
        "pow1 hw.apparent_power = 2650.0 V.A gauge", "pow1 hw.reactive_power = 282.0 var gauge",
        "pow1 hw.power_factor = 0.99 1 gauge", "pow1 hw.voltage = 227.0 V gauge", "pow1 hw.current = 11.661 A gauge",
      ])
    #expect(try lines("tasmota_status8.json").first == "pow1 hw.energy = 23054400.0 J counter")
    let denky = try run("tasmota_denky_sensor.json")
    #expect(denky.observations.first?.series.device.name == "emoncms/ch2i/factory/denky_D6C0C0")
    #expect(
      denky.observations.map(Bench.line).contains { $0.hasSuffix("hw.temperature{sensor=ESP32} = 36.1 Cel gauge") })
    #expect(denky.times.first == "2021-10-26T10:28:45Z")
    #expect(try lines("tasmota_bh1750_lux.json") == ["tasmota ambient.light{sensor=BH1750} = 79.0 lx gauge"])
    let zoned = try run("tasmota_state_tz.json")
    #expect(Set(zoned.times) == ["2021-06-27T13:03:44Z"])
    #expect(zoned.observations.map(Bench.line).contains("demo-sensor wifi.signal = -57.0 dBm gauge"))
    #expect(try lines("tasmota_state_vcc.json").contains("tasmota hw.voltage{sensor=Vcc} = 3.423 V gauge"))
    #expect(try lines("tasmota_lwt_online.txt") == ["tasmota availability = online 1 state"])
    #expect(try lines("tasmota_lwt_offline.txt") == ["tasmota availability = offline 1 state"])
    #expect(try lines("tasmota_power_low.txt") == ["tasmota tasmota.limit{limit=power_low} = on 1 state"])
  }

  @Test("Telegraf")
  func telegraf() throws {
    let interface = try lines("telegraf_snmp_interface.influx")
    #expect(interface.first == "127.0.0.1 snmp.uptime = 113319.74 1 gauge")
    #expect(interface.contains("127.0.0.1 hw.network.io{direction=receive,interface=wlan0} = 3436617431.0 By counter"))
    #expect(interface.contains("127.0.0.1 hw.network.io{direction=transmit,interface=wlan0} = 581368041.0 By counter"))
    #expect(interface.contains("127.0.0.1 interface.oper_status{interface=wlan0} = up 1 state"))
    #expect(try lines("telegraf_ping.influx").first == "example.org ping.average_response_ms = 23.066 1 gauge")
    #expect(
      try lines("telegraf_gnmi_escaped.influx")
        == [
          "10.49.234.115 ifcounters.in-multicast-pkts", "10.49.234.115 hw.errors", "10.49.234.115 hw.network.io",
          "10.49.234.115 ifcounters.last-clear", "10.49.234.115 hw.network.packets",
        ].enumerated().map { index, start in
          let interface = "interface=MgmtEth0/RP0/CPU0/0"
          return switch index {
          case 0:
            "10.49.234.115 hw.network.packets{direction=receive,\(interface),type=multicast} = 0.0 {packet} counter"
          case 1: start + "{direction=transmit,\(interface)} = 0.0 {error} counter"
          case 2: start + "{direction=receive,\(interface)} = 0.0 By counter"
          case 3: start + "{\(interface)} = 2019-05-22T16:53:21Z 1 state"
          default: start + "{direction=receive,\(interface),type=unicast} = 0.0 {packet} counter"
          }
        })
    let single = try lines("telegraf_json_single.json")
    #expect(single.count == 4)
    #expect(single.contains("raynor docker.n_images = 660.0 1 gauge"))
    #expect(try lines("telegraf_json_batch.json") == single + single)
    #expect(
      try lines("telegraf_field_layout.txt") == ["telegraf/modbus/device 1 working hours = 123.0 1 gauge"])
  }

  @Test("SenML")
  func senml() throws {
    #expect(
      try lines("senml_single.json") == ["urn:dev:ow:10e2073a01080063 hw.temperature = 23.1 Cel gauge"])
    #expect(
      try lines("senml_two_fields.json") == [
        "urn:dev:ow:10e2073a01080063 voltage = 120.1 V gauge", "urn:dev:ow:10e2073a01080063 current = 1.2 A gauge",
      ])
  }

  @Test("Sparkplug, from a node's birth to its death")
  func sparkplug() throws {
    let bench = try Bench(format: "sparkplug")
    func lines(_ name: String, _ type: String) -> [String] {
      bench.lines("spBv1.0/kota/\(type)/odc-07", Files.sample("sparkplug_\(name).bin"))
    }
    #expect(
      lines("nbirth", "NBIRTH") == [
        "kota/odc-07 availability = online 1 state", "kota/odc-07 optics.rx_power = -23.45 1 gauge",
        "kota/odc-07 cabinet.temperature = 45.0 1 gauge", "kota/odc-07 cabinet.door = false 1 state",
        "kota/odc-07 uptime = 86673.0 1 gauge",
      ])
    #expect(lines("ndata_alias", "NDATA") == ["kota/odc-07 optics.rx_power = -27.9 1 gauge"])
    #expect(lines("ndata_negative_int32", "NDATA") == ["kota/odc-07 cabinet.temperature = -5.0 1 gauge"])
    #expect(lines("ndata_is_null", "NDATA").isEmpty)
    #expect(bench.isIgnored)
    #expect(lines("ndata_historical", "NDATA") == ["kota/odc-07 optics.rx_power = -23.4 1 gauge"])
    #expect(lines("ndeath", "NDEATH") == ["kota/odc-07 availability = offline 1 state"])
  }

  @Test("Sparkplug's host state is JSON; its readable rendering is not what goes over the wire")
  func sparkplugJSON() throws {
    #expect(try lines("sparkplug_state_online.json") == ["city-host availability = online 1 state"])
    #expect(try run("sparkplug_nbirth_readable.json").isRefused)
  }

  @Test("plain values")
  func plain() throws {
    #expect(try lines("plain_number_comma.txt") == ["odc/07/temp temp = 27.5 1 gauge"])
    #expect(try lines("plain_number_unit.txt") == ["odc/07/temp temp = 33.0 Cel gauge"])
    #expect(
      try lines("amcrest2mqtt_status_lwt.txt") == ["amcrest2mqtt/AMC0123456789/status availability = offline 1 state"])
    #expect(try lines("shelly_gen1_relay.txt") == ["shellies/shelly1/relay/0 0 = off 1 state"])
  }

  @Test("a clock that is not set yet is none")
  func unsetClock() throws {
    let bench = try Bench(try source("#", "json", time: TimeMapping(path: "/params/ts", unit: .seconds)))
    bench.decode("shellies/plus1pm/events/rpc", Files.sample("shelly_gen2_notify_ts_uptime.json"))
    #expect(bench.isDecoded)
    #expect(Set(bench.timeSources) == ["received"])
  }

  @Test("FPP's own documents")
  func fpp() throws {
    let bench = try Bench(
      try source(
        "falcon/player/{player}/{document}", "json", device: "{player}",
        metrics: [
          MetricMapping(name: "seconds", path: "/seconds_remaining", unit: "s"),
          MetricMapping(name: "hw.voltage", path: "/sensors/1/formatted", unit: "V"),
          MetricMapping(name: "port.current", path: "/0/ma", unit: "mA"),
        ]))
    #expect(
      bench.lines("falcon/player/videotron-01/fppd_status", Files.sample("fpp_fppd_status.json")) == [
        "videotron-01 seconds = 4.0 s gauge", "videotron-01 hw.voltage = 5.1 V gauge",
      ])
    #expect(
      bench.lines("falcon/player/videotron-01/port_status", Files.sample("fpp_port_status.json")) == [
        "videotron-01 port.current = 435.0 mA gauge"
      ])
  }

  @Test("every published JSON document reads as json, and every word or number as scalar")
  func everything() throws {
    for file in Files.published where file.format == "json" || file.format == "scalar" {
      guard !file.name.contains("INVALID"), !file.name.hasSuffix(".xml"), !file.payload.isEmpty,
        file.name != "hikvision_json_duplicate_key.json"
      else { continue }
      let bench = try Bench(format: file.format)
      #expect(!bench.decode(file.topic, file.payload).isEmpty, "\(file.name)")
      #expect(bench.isDecoded, "\(file.name): \(bench.faults)")
    }
  }
}

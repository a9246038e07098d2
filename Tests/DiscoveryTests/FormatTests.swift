import Telemetry
import Testing

@testable import Discovery

@Suite("Formats and profiles are recognised")
struct FormatTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let format: String
    let topic: String
    let messages: [(String, String)]
    /// Devices that must be read.
    let devices: [String]
    var testDescription: String { "\(format) on \(topic)" }
  }

  static let cases: [Case] = [
    Case(
      format: "frigate", topic: "frigate/#",
      messages: [
        (
          "frigate/stats",
          #"{"cameras":{"gerbang":{"camera_fps":5.0,"process_fps":5.0}},"service":{"uptime":9,"last_updated":1795319999}}"#
        ),
        ("frigate/gerbang/motion", "ON"), ("frigate/gerbang/person", "1"), ("frigate/available", "online"),
      ], devices: ["frigate", "frigate/gerbang"]),
    Case(
      format: "onvif", topic: "MyDevice/onvif-ej/#",
      messages: [
        (
          "MyDevice/onvif-ej/VideoSource/MotionAlarm/&1",
          #"{"UtcTime":"2026-11-22T04:00:00Z","Source":{"Source":1},"Data":{"State":true}}"#
        )
      ], devices: ["MyDevice"]),
    Case(
      format: "axis", topic: "axis/{serial}/event/#",
      messages: [
        (
          "axis/ACCC8E000001/event/tns:onvif/Device/tns:axis/IO/Port/$source/port/1",
          #"{"topic":"onvif:Device/axis:IO/Port","timestamp":1795319999000,"message":{"source":{"port":"1"},"key":{},"data":{"state":"1"}}}"#
        )
      ], devices: ["ACCC8E000001"]),
    Case(
      format: "tasmota", topic: "tele/{device}/{kind}",
      messages: [
        ("tele/lampu/SENSOR", #"{"Time":"2026-11-22T11:00:00","ENERGY":{"Power":120,"Voltage":221}}"#),
        ("tele/lampu/LWT", "Online"),
      ], devices: ["lampu"]),
    Case(
      format: "telegraf", topic: "telegraf/{device}/{measurement}",
      messages: [
        ("telegraf/odc-01/interface", "interface,ifName=xe-0/0/0 ifHCInOctets=10i,ifOperStatus=1i 1795319999000000000"),
        ("telegraf/odc-02/interface", "interface,ifName=xe-0/0/0 ifHCInOctets=99i,ifOperStatus=1i 1795319999000000000"),
        (
          "telegraf/odc-02/ping",
          #"{"fields":{"average_response_ms":3.1},"name":"ping","tags":{"url":"x"},"timestamp":1795319999}"#
        ),
      ], devices: ["odc-01", "odc-02"]),
    Case(
      format: "senml", topic: "kota/sensor",
      messages: [("kota/sensor", #"[{"bn":"urn:dev:mac:0024befffe804ff1:","n":"temperature","u":"Cel","v":23.1}]"#)],
      devices: ["urn:dev:mac:0024befffe804ff1"]),
    Case(
      format: "profile:fpp", topic: "falcon/player/#",
      messages: [
        (
          "falcon/player/layar-1/fppd_status",
          #"{"status":1,"status_name":"playing","volume":70,"uptimeTotalSeconds":9}"#
        ),
        ("falcon/player/layar-1/ready", "1"),
      ], devices: ["layar-1"]),
    Case(
      format: "profile:wled", topic: "wled/#",
      messages: [
        ("wled/atas/v", "<?xml version=\"1.0\" ?><vs><ac>128</ac><fx>3</fx><ps>1</ps></vs>"), ("wled/atas/g", "128"),
      ], devices: ["atas"]),
    Case(
      format: "profile:shelly-gen2", topic: "shellies/#",
      messages: [
        ("shellies/plug/status/switch:0", #"{"id":0,"output":true,"apower":8.9,"voltage":237.5}"#),
        ("shellies/plug/online", "true"),
      ], devices: ["plug"]),
    Case(
      format: "profile:routeros-sfp", topic: "ros/+/+",
      messages: [
        ("ros/rb-01/sfp1", #"{"sfp-rx-power":"-5.22dBm","sfp-tx-power":"2.1dBm"}"#),
        ("ros/rb-02/sfp1", #"{"sfp-rx-power":"-7.10dBm","sfp-tx-power":"2.3dBm"}"#),
      ], devices: ["rb-01", "rb-02"]),
    Case(
      format: "profile:dahua-cameraevents", topic: "CameraEvents/#",
      messages: [("CameraEvents/VideoMotion/NVR:3", "ON"), ("CameraEvents/$online", "True")], devices: ["NVR/3"]),
    Case(
      format: "profile:dahua-vto", topic: "DahuaVTO/#",
      messages: [
        (
          "DahuaVTO/VideoMotion/Event",
          #"{"Action":"Start","Code":"VideoMotion","Data":{"UTC":1795319999},"deviceType":"VTO","serialNumber":"7A01"}"#
        )
      ], devices: ["7A01"]),
    Case(
      format: "profile:hikvision", topic: "hik/{device}/alarm",
      messages: [
        ("hik/cam-01/alarm", #"{"eventType":"VMD","eventState":"active","dateTime":"2026-11-22T11:00:00+07:00"}"#),
        ("hik/cam-02/alarm", #"{"eventType":"VMD","eventState":"active","dateTime":"2026-11-22T11:00:00+07:00"}"#),
      ], devices: ["cam-01", "cam-02"]),
    Case(
      format: "profile:zoneminder", topic: "zoneminder/#",
      messages: [
        ("zoneminder/3", #"{"monitor":"3","state":"alarm","eventid":"77","name":"Motion","eventtype":"event_start"}"#)
      ],
      devices: ["zoneminder/3"]),
    Case(
      format: "profile:axis-dataq", topic: "dataq/#",
      messages: [("dataq/status/B8A44F000001", #"{"CPU_average":31,"Uptime_Hours":12,"Network_Kbps":900}"#)],
      devices: ["B8A44F000001"]),
    Case(
      format: "profile:homie", topic: "homie/#",
      messages: [("homie/5/taman/$state", "ready"), ("homie/5/taman/udara/temperature", "31.5")], devices: ["taman"]),
    Case(
      format: "profile:zigbee2mqtt", topic: "zigbee2mqtt/#",
      messages: [
        ("zigbee2mqtt/bridge/state", #"{"state":"online"}"#), ("zigbee2mqtt/pintu", #"{"contact":true,"battery":80}"#),
      ], devices: ["pintu"]),
    Case(
      format: "profile:nut", topic: "nut/#",
      messages: [("nut/kabinet/ups.status", "OL CHRG"), ("nut/kabinet/battery.charge", "97")], devices: ["kabinet"]),
    Case(
      format: "profile:huawei-olt", topic: "snmp2mqtt/10.10.0.2/#",
      messages: [("snmp2mqtt/10.10.0.2/huawei-olt-rx-1/value", "7655")], devices: ["10.10.0.2/huawei-olt-rx-1"]),
    Case(
      format: "profile:zte-onu", topic: "snmp2mqtt/10.10.0.3/#",
      messages: [("snmp2mqtt/10.10.0.3/zte-onu-1-rx/value", "3275")], devices: ["10.10.0.3/zte-onu-1-rx"]),
    Case(
      format: "profile:cdata", topic: "snmp2mqtt/10.10.0.4/#",
      messages: [("snmp2mqtt/10.10.0.4/cdata-onu-1-rx/value", "45")], devices: ["10.10.0.4/cdata-onu-1-rx"]),
  ]

  @Test("by their topics and payloads, and the proposal reads them", arguments: cases)
  func recognised(_ example: Case) throws {
    let found = try discover(example.messages)
    #expect(found.sources.map(\.format) == [example.format], "\(found.text)")
    #expect(found.sources.map(\.topic) == [example.topic])
    let devices = Set(found.trial.devices.map(\.name))
    #expect(devices.isSuperset(of: example.devices), "\(devices)")
    #expect(found.trial.count(.refused) == 0)
    #expect(found.trial.count(.unrouted) == 0)
  }

  @Test("Sparkplug by its level, and its binary payloads are kept")
  func sparkplug() throws {
    var survey = Survey()
    // timestamp, and one metric: name "t", alias 1, datatype Float, float 21.5; seq 0.
    let birth: [UInt8] = [
      0x12, 0x0c, 0x0a, 0x01, 0x74, 0x10, 0x01, 0x20, 0x09, 0x65, 0x00, 0x00, 0xac, 0x41, 0x18, 0x00,
    ]
    survey.take(topic: "spBv1.0/kota/NBIRTH/odc-07", payload: birth, at: noon)
    let found = try discover(survey)
    #expect(found.sources.map(\.topic) == ["spBv1.0/#"])
    #expect(found.trial.devices.map(\.name) == ["kota/odc-07"])
  }

  @Test("raw optical power without a word for its maker is no light, and the reason is told")
  func rawPower() throws {
    let found = try discover([
      ("snmp2mqtt/10.10.0.2/onu-1-rx/value", "7655"), ("snmp2mqtt/10.10.0.2/onu-2-rx/value", "7650"),
    ])
    #expect(found.sources.map(\.format) == ["scalar"])
    #expect(found.sources.first?.doubts.contains { $0.contains("huawei-olt") } ?? false)
  }

  @Test("a zone is told by naive clocks that are hours ahead")
  func zone() throws {
    let found = try discover([("tele/lampu/SENSOR", #"{"Time":"2026-11-22T11:00:00","ENERGY":{"Power":120}}"#)])
    #expect(found.text.contains(#"timezone = "Asia/Jakarta""#), "\(found.text)")
  }
}

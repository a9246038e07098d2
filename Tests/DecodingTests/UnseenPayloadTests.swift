import Telemetry
import Testing

@testable import Decoding

/// Payloads of the built-in formats beyond those that are published: written from the formats' documents, with what must
/// come of them.
@Suite("built-in formats, beyond the happy case")
struct UnseenPayloadTests {
  @Test("Frigate says afterwards what it found out about an object; about whom, is left out")
  func frigateUpdates() throws {
    let bench = try Bench(format: "frigate", topic: "frigate/#")
    let face = #"{"type":"face","id":"1.5-a","name":"Budi","score":0.75,"camera":"lobi","timestamp":1795318800.5}"#
    #expect(
      bench.lines("frigate/tracked_object_update", face) == [
        "frigate/lobi camera.object_updates{type=face} = 1.0 id=1.5-a 1 event",
        "frigate/lobi camera.object_update.score{type=face} = 0.75 1 gauge",
      ])
    #expect(bench.times.allSatisfy { $0 == "2026-11-22T03:40:00.500Z" })
    let text = #"{"type":"description","id":"1.5-a","description":"a man with a red bag"}"#
    #expect(
      bench.lines("frigate/tracked_object_update", text) == [
        "frigate camera.object_updates{type=description} = 1.0 id=1.5-a 1 event"
      ])
    #expect(bench.lines("frigate/tracked_object_update", #"{"id":"1"}"#).isEmpty)
    #expect(bench.faults == ["/type: there is no type: description, face, lpr …"])
  }

  @Test("Frigate's server takes its cameras with it, and brings them back")
  func frigateWill() throws {
    let bench = try Bench(format: "frigate", topic: "frigate/#")
    bench.decode("frigate/stats", #"{"cameras":{"b":{"camera_fps":5,"detection_enabled":1},"a":{"camera_fps":5}}}"#)
    #expect(bench.observations.map(Bench.line).contains("frigate/b camera.detection = true 1 state"))
    #expect(
      bench.lines("frigate/available", "offline") == [
        "frigate availability = offline 1 state", "frigate/a availability = offline 1 state",
        "frigate/b availability = offline 1 state",
      ])
    #expect(bench.lines("frigate/available", "stopped").count == 3)
    #expect(bench.lines("frigate/available", "online").last == "frigate/b availability = online 1 state")
    #expect(bench.payloadDecidesDevice(ofTopic: "frigate/available"))
  }

  @Test("Frigate's commands and echoes are ignored")
  func frigateCommands() throws {
    let bench = try Bench(format: "frigate", topic: "frigate/#")
    for topic in ["a/detect/set", "restart", "onConnect", "camera_activity", "notifications/set", "a/person/snapshot"] {
      bench.decode("frigate/\(topic)", "ON")
      #expect(bench.isIgnored, "\(topic)")
    }
    #expect(
      bench.lines("frigate/a/enabled/state", "OFF") == ["frigate/a camera.setting{setting=enabled} = false 1 state"])
    #expect(bench.lines("frigate/a/status/detect", "disabled").first?.contains("= stopped") == true)
  }

  @Test("ONVIF frames: objects are counted by their most likely class")
  func onvifFrames() throws {
    let bench = try Bench(format: "onvif")
    let frame = """
      {"Frame":{"@UtcTime":"2026-11-22T03:40:00Z","Object":[
       {"@ObjectId":1,"Appearance":{"Class":{"Type":[{"@Likelihood":0.2,"#text":"Car"},{"@Likelihood":0.8,"#text":"Human"}]}}},
       {"@ObjectId":2,"Appearance":{"Class":{"Type":{"@Likelihood":"0.9","#text":"Human"}}}},
       {"@ObjectId":3,"Appearance":{"Class":{"Type":"Car"}}},
       {"@ObjectId":4}]}}
      """
    #expect(
      bench.lines("k/onvif-mj/VideoAnalytics/1", frame) == [
        "k camera.objects{object=Car} = 1.0 1 gauge", "k camera.objects{object=Human} = 2.0 1 gauge",
      ])
    #expect(bench.times == ["2026-11-22T03:40:00Z", "2026-11-22T03:40:00Z"])
  }

  @Test("ONVIF events with a key, without data, and with values of another case")
  func onvifEvents() throws {
    let bench = try Bench(format: "onvif")
    #expect(
      bench.lines(
        "k/onvif-ej/tns1:VideoSource/tns1:MotionAlarm/&1",
        #"{"UtcTime":"2026-11-22T03:40:00","Source":{"Source":"1"},"Key":{"Zone":2},"Data":{"state":"True"}}"#) == [
          "k camera.motion{Source=1,Zone=2} = true 1 state"
        ])
    #expect(
      bench.lines("k/onvif-ej/Device/Restarted", #"{"UtcTime":"2026-11-22T03:40:00Z","Source":{},"Data":{}}"#) == [
        "k onvif.Device.Restarted = 1.0 1 event"
      ])
    #expect(bench.lines("k/onvif-ej/X/Y", #"{"UtcTime":"1970-01-01T00:00:00Z","Data":{"N":1}}"#).count == 1)
    #expect(bench.timeSources == ["received"])
  }

  @Test(
    "cameras say whether they are connected",
    arguments: [
      ("onvif", "gedung/kamera-1/status", "online", "gedung/kamera-1 availability = online 1 state"),
      ("onvif", "gedung/kamera-1/status", "offline", "gedung/kamera-1 availability = offline 1 state"),
      ("axis", "axis/B8A44F01/event/connection", "Connected", "B8A44F01 availability = online 1 state"),
      ("axis", "axis/B8A44F01/event/connection", "Connection lost", "B8A44F01 availability = offline 1 state"),
      ("axis", "axis/B8A44F01/event/connection", #"{"connected":false}"#, "B8A44F01 availability = offline 1 state"),
      ("axis", "axis/B8A44F01/lwt", #"{"status":"Connected"}"#, "B8A44F01 availability = online 1 state"),
    ])
  func connections(_ format: String, _ topic: String, _ payload: String, _ expected: String) throws {
    let bench = try Bench(format: format)
    #expect(bench.lines(topic, payload) == [expected])
    bench.decode(topic, "who knows")
    #expect(bench.isRefused)
  }

  @Test("Tasmota: units of pressure and temperature, Zigbee sensors, numbers beside the sensors")
  func tasmotaSensors() throws {
    let bench = try Bench(format: "tasmota", topic: "#")
    #expect(
      bench.lines(
        "tele/a/SENSOR",
        #"{"Time":"2026-11-22T10:40:00","BME280":{"Temperature":212,"Pressure":750},"PressureUnit":"mmHg","TempUnit":"F"}"#
      ) == [
        "a hw.temperature{sensor=BME280} = 100.0 Cel gauge",
        "a hw.pressure{sensor=BME280} = 999.9179056125 hPa gauge",
      ])
    #expect(
      bench.lines(
        "tele/z/SENSOR",
        #"{"ZbReceived":{"0x4773":{"Device":"0x4773","Name":"aula","Temperature":24.5,"BatteryPercentage":90}}}"#) == [
          "z hw.temperature{sensor=aula} = 24.5 Cel gauge",
          "z tasmota.zigbee.BatteryPercentage{sensor=aula} = 90.0 1 gauge",
        ])
    #expect(
      bench.lines("tele/a/STATE", #"{"Time":"2026-11-22T10:40:00","POWER":"ON","Dimmer":40}"#) == [
        "a switch.state{channel=POWER} = on 1 state", "a tasmota.Dimmer = 40.0 1 gauge",
      ])
    let both = """
      {"Status":{"Module":1},"StatusSNS":{"Time":"2026-11-22T10:40:00","AM2301":{"Temperature":30}},
       "StatusSTS":{"Time":"2026-11-22T10:40:00","UptimeSec":60}}
      """
    #expect(
      bench.lines("stat/a/STATUS0", both) == [
        "a hw.temperature{sensor=AM2301} = 30.0 Cel gauge", "a system.uptime = 60.0 s gauge",
      ])
    #expect(bench.lines("tele/a/SENSOR", #"{"AM2301":{"Temperature":null}}"#).isEmpty)
    #expect(bench.isIgnored)
  }

  @Test("influx lines: every type, escapes, several lines, one of them broken")
  func influx() throws {
    let bench = try Bench(format: "telegraf")
    let lines = #"""
      # a comment
      meas\ ure,host=h\,1,rack=a\=b i=-3i,u=7u,f=1.5e3,t=t,F=FALSE,s="a \"b\" \\ c, d=e" 1795318800000000000

      cpu,host=h usage=1 1795318800
      cpu,host=h broken
      cpu,host=h usage=2 1795318800000
      """#
    #expect(
      bench.lines("telegraf/x", lines) == [
        "h,1 meas ure.i{rack=a=b} = -3.0 1 gauge", "h,1 meas ure.u{rack=a=b} = 7.0 1 gauge",
        "h,1 meas ure.f{rack=a=b} = 1500.0 1 gauge", "h,1 meas ure.t{rack=a=b} = true 1 state",
        "h,1 meas ure.F{rack=a=b} = false 1 state", "h,1 meas ure.s{rack=a=b} = a \"b\" \\ c, d=e 1 state",
        "h cpu.usage = 1.0 1 gauge", "h cpu.usage = 2.0 1 gauge",
      ])
    #expect(bench.times.allSatisfy { $0 == "2026-11-22T03:40:00Z" })
    #expect(bench.isPartial)
    #expect(bench.faults.first?.hasSuffix("a field without a value") == true)
  }

  @Test("SenML: base fields add up over the records, and are no readings themselves")
  func senml() throws {
    let bench = try Bench(format: "senml")
    let pack = """
      [{"bn":"urn:dev:ow:1:","bt":1795318800,"bu":"A","bv":10,"bs":100,"bver":5},
       {"n":"a","v":1,"t":-5},{"n":"b","u":"V","v":-10},{"n":"c","vs":"x"},{"n":"d","vb":false},
       {"n":"e","vd":"aGk"},{"n":"f","s":5,"v":2,"ut":60}]
      """
    #expect(
      bench.lines("x", pack) == [
        "urn:dev:ow:1 a = 11.0 A gauge", "urn:dev:ow:1 b = 0.0 V gauge", "urn:dev:ow:1 c = x 1 state",
        "urn:dev:ow:1 d = false 1 state", "urn:dev:ow:1 f = 12.0 A gauge", "urn:dev:ow:1 f.sum = 105.0 A.s counter",
      ])
    #expect(bench.times.first == "2026-11-22T03:39:55Z")
    bench.decode("x", [0x81, 0xa2, 0x21, 0x61])
    #expect(bench.faults == ["byte 0: SenML in CBOR; set the device to send JSON (application/senml+json)"])
    bench.decode("x", "<sensml/>")
    #expect(bench.isRefused)
  }

  @Test("Sparkplug: data sets and bytes are told; historical values need a time of their own")
  func sparkplug() throws {
    let bench = try Bench(format: "sparkplug", topic: "#")
    var set = Proto()
    set.data(1, Array("tabel".utf8))
    set.number(4, 16)
    set.data(17, [8, 1])
    bench.decode("spBv1.0/g/NDATA/n", Proto.payload(seq: 1, set.bytes))
    #expect(bench.faults == ["tabel: a data set, array or bytes: no single value"])
    var past = Proto()
    past.data(1, Array("suhu".utf8))
    past.number(4, 3)
    past.number(5, 1)
    past.number(10, 21)
    bench.decode("spBv1.0/g/NDATA/n", Proto.payload(seq: 2, past.bytes))
    #expect(bench.faults == ["suhu: a historical value without a time"])
    past.number(3, 1_795_300_000_000)
    #expect(bench.lines("spBv1.0/g/NDATA/n", Proto.payload(seq: 3, past.bytes)) == ["g/n suhu = 21.0 1 gauge"])
    #expect(bench.times == ["2026-11-21T22:26:40Z"])
    #expect(bench.lines("STATE/host", "OFFLINE") == ["host availability = offline 1 state"])
    bench.decode("spBv1.0/g/NBIRTH/n", [])
    #expect(bench.isIgnored)
  }
}

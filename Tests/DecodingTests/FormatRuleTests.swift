import Telemetry
import Testing

@testable import Decoding

@Suite("rules of the built-in formats")
struct FormatRuleTests {
  @Test("Frigate's prefix may have several levels; a template goes before it")
  func frigateNames() throws {
    let deep = try Bench(format: "frigate", topic: "kota/nvr-1/{rest...}")
    #expect(deep.lines("kota/nvr-1/lobby/motion", "OFF") == ["kota/nvr-1/lobby camera.motion = false 1 state"])
    #expect(
      deep.lines("kota/nvr-1/available", "online") == [
        "kota/nvr-1 availability = online 1 state", "kota/nvr-1/lobby availability = online 1 state",
      ])
    #expect(deep.observations.first?.series.device.deviceClass == .other)
    let guessed = try Bench(format: "frigate", topic: "#")
    #expect(guessed.lines("a/b/lobby/person", "3") == ["a/b/lobby camera.objects{object=person} = 3.0 1 gauge"])
    #expect(
      guessed.lines("a/b/lobby/person/active", "1") == ["a/b/lobby camera.objects.active{object=person} = 1.0 1 gauge"])
    let stats = #"{"cameras":{"lobby":{"camera_fps":5}}}"#
    let byCamera = try Bench(
      try source("{site}/frigate/{rest...}", "frigate", device: "{site}:{camera}", site: "{site}"))
    #expect(byCamera.lines("balai/frigate/stats", stats) == ["balai:lobby camera.fps = 5.0 1/s gauge"])
    #expect(byCamera.lines("balai/frigate/lobby/motion", "ON") == ["balai:lobby camera.motion = true 1 state"])
    #expect(byCamera.observations.first?.series.device.site == "balai")
    let byServer = try Bench(try source("{site}/frigate/{rest...}", "frigate", device: "nvr-{site}"))
    #expect(byServer.lines("balai/frigate/stats", stats) == ["nvr-balai/lobby camera.fps = 5.0 1/s gauge"])
    let byCapture = try Bench(try source("frigate/{cam}/motion", "frigate", class: .other, device: "cctv-{cam}"))
    #expect(byCapture.lines("frigate/lobby/motion", "ON") == ["cctv-lobby camera.motion = true 1 state"])
    #expect(byCapture.observations.first?.series.device.deviceClass == .other)
  }

  @Test(
    "Frigate's commands, images and unknown topics are ignored",
    arguments: [
      "frigate/lobby/person/snapshot", "frigate/lobby/detect/set", "frigate/lobby/ptz", "frigate/restart",
      "frigate/a/b/c/d", "frigate/notifications/state",
    ])
  func frigateIgnored(_ topic: String) throws {
    let bench = try Bench(format: "frigate", topic: "frigate/{rest...}")
    #expect(bench.decode(topic, [0xff, 0xd8, 0xff, 0xe0, 1, 2, 3]).isEmpty)
    #expect(bench.isIgnored)
    #expect(bench.device(ofTopic: topic) == nil)
  }

  @Test("Frigate's camera switches")
  func frigateSettings() throws {
    let bench = try Bench(format: "frigate", topic: "frigate/{rest...}")
    #expect(bench.lines("frigate/lobby/recordings/state", "ON") == ["frigate/lobby camera.recording = true 1 state"])
    #expect(
      bench.lines("frigate/lobby/improve_contrast/state", "OFF") == [
        "frigate/lobby camera.setting{setting=improve_contrast} = false 1 state"
      ])
    #expect(bench.lines("frigate/lobby/audio/dBFS", "-42.5") == ["frigate/lobby camera.audio.level = -42.5 dB gauge"])
    #expect(
      bench.lines("frigate/lobby/audio/speech", "ON") == [
        "frigate/lobby camera.audio.heard{sound=speech} = true 1 state"
      ])
    #expect(
      bench.lines("frigate/lobby/status/detect", "disabled") == [
        "frigate/lobby availability{role=detect} = stopped 1 state"
      ])
    bench.decode("frigate/lobby/person", "many")
    #expect(bench.faults == ["payload: is no number: \"many\""])
  }

  @Test("Frigate's events without what they need are refused with its path")
  func frigateBroken() throws {
    let bench = try Bench(format: "frigate", topic: "frigate/{rest...}")
    let cases = [
      ("{}", "/after: there is no such object"), (#"{"after":{}}"#, "/after/camera: there is no camera's name"),
      (#"{"after":{"camera":"c"}}"#, "/type: there is no type: new, update or end"),
      (#"{"type":"new","after":{"camera":"c"}}"#, "/after/label: there is no text"),
    ]
    for (payload, fault) in cases {
      bench.decode("frigate/events", payload)
      #expect(bench.faults == [fault])
      #expect(bench.isRefused)
    }
    #expect(
      bench.lines("frigate/stats", #"{"cameras":{"a":{"camera_fps":"x"},"b":{"camera_fps":5}}}"#) == [
        "frigate/b camera.fps = 5.0 1/s gauge"
      ])
    #expect(bench.faults == ["/cameras/a/camera_fps: is no number: \"x\""])
  }

  @Test("the topic names the device where it can, the payload where it must")
  func whoDecides() throws {
    let frigate = try Bench(format: "frigate", topic: "frigate/{rest...}")
    #expect(frigate.device(ofTopic: "frigate/lobby/motion")?.name == "frigate/lobby")
    #expect(frigate.device(ofTopic: "frigate/stats") == nil)
    #expect(frigate.payloadDecidesDevice(ofTopic: "frigate/stats"))
    #expect(!frigate.payloadDecidesDevice(ofTopic: "frigate/lobby/motion"))
    #expect(!frigate.payloadDecidesDevice(ofTopic: "elsewhere"))
    let telegraf = try Bench(format: "telegraf", topic: "telegraf/#")
    #expect(telegraf.payloadDecidesDevice(ofTopic: "telegraf/x"))
    let json = try Bench(format: "json", topic: "a/{x}")
    #expect(json.device(ofTopic: "a/b")?.name == "a/b")
    #expect(json.device(ofTopic: "b/b") == nil)
  }

  @Test("Tasmota's topics, in any order of their parts")
  func tasmotaTopics() throws {
    let found = try Bench(format: "tasmota")
    #expect(found.lines("tele/pow1/LWT", "Online") == ["pow1 availability = online 1 state"])
    #expect(found.lines("rumah/pow1/tele/LWT", "Offline") == ["rumah/pow1 availability = offline 1 state"])
    #expect(found.lines("stat/pow1/POWER2", "ON") == ["pow1 switch.state{channel=POWER2} = on 1 state"])
    let captured = try Bench(format: "tasmota", topic: "sites/{device}/x/{prefix}/{kind}")
    #expect(captured.lines("sites/meter/x/tele/LWT", "Online") == ["meter availability = online 1 state"])
    let named = try Bench(try source("{prefix}/{device}/{kind}", "tasmota", device: "listrik/{device}"))
    #expect(named.lines("tele/pow1/LWT", "Online") == ["listrik/pow1 availability = online 1 state"])
    for topic in ["cmnd/pow1/POWER", "tele/pow1/INFO1", "stat/pow1/STATUS5"] {
      found.decode(topic, "{}")
      #expect(found.isIgnored, "\(topic)")
    }
    found.decode("tele/pow1/LWT", "Perhaps")
    #expect(found.isRefused)
  }

  @Test("Tasmota's RESULT tells of switches only, and Fahrenheit becomes Celsius")
  func tasmotaOddities() throws {
    let bench = try Bench(format: "tasmota")
    #expect(
      bench.lines("stat/pow1/RESULT", #"{"POWER":"OFF","Dimmer":40}"#) == [
        "pow1 switch.state{channel=POWER} = off 1 state"
      ])
    bench.decode("stat/pow1/RESULT", #"{"TelePeriod":60}"#)
    #expect(bench.isIgnored)
    #expect(
      bench.lines("tele/x/SENSOR", #"{"SI7021":{"Temperature":"77.0"},"TempUnit":"F"}"#) == [
        "x hw.temperature{sensor=SI7021} = 25.0 Cel gauge"
      ])
    #expect(
      bench.lines("tele/x/SENSOR", #"{"AM2301":{"Temperature":null,"Humidity":"wet"},"BH1750":{"Illuminance":3}}"#) == [
        "x ambient.light{sensor=BH1750} = 3.0 lx gauge"
      ])
    #expect(bench.faults == ["/AM2301/Humidity: is no number: \"wet\""])
  }

  @Test("a time in 1970 is never, in ONVIF too")
  func onvifNever() throws {
    let bench = try Bench(format: "onvif")
    bench.decode("d/onvif-ej/VideoSource/MotionAlarm/&0", #"{"UtcTime":"1970-01-01T00:00:00Z","Data":{"State":"1"}}"#)
    #expect(bench.observations.map(Bench.line) == ["d camera.motion{source=0} = true 1 state"])
    #expect(bench.timeSources == ["received"])
    bench.decode("d/other/x", "{}")
    #expect(bench.isRefused)
  }

  @Test("Telegraf's lines: a broken one is a fault with its byte, the others are taken")
  func telegrafLines() throws {
    let bench = try Bench(format: "telegraf")
    let payload = "cpu,host=a usage=1.5 1795318800000000000\nbroken line\ncpu,host=a usage=2.5 1795318801000000000\n"
    #expect(bench.lines("t", payload) == ["a cpu.usage = 1.5 1 gauge", "a cpu.usage = 2.5 1 gauge"])
    #expect(bench.faults == ["byte 52: a field without a value"])
    let faults = [
      ("cpu usage=", "byte 10: a field without a value"), ("cpu usage=1x", "byte 10: no number"),
      ("cpu usage=NaN", "byte 10: no number"), ("cpu usage=1 soon", "byte 12: no timestamp"),
      ("cpu usage=\"open", "byte 10: a text that doesn't end"), (",a=b c=1", "byte 0: no measurement"),
      ("cpu a=1 1795318800000000000 5", "byte 28: text after the timestamp"),
      ("cpu,host=a=", "byte 11: the line ends before its fields"),
    ]
    for (line, fault) in faults {
      bench.decode("t", line)
      #expect(bench.faults == [fault], "\(line)")
    }
  }

  @Test("a template may name Telegraf's tags")
  func telegrafTemplate() throws {
    let bench = try Bench(try source("telegraf/#", "telegraf", class: .fiberNode, device: "{site}/{agent_host}"))
    #expect(
      bench.lines("telegraf/x", "optic,agent_host=10.0.0.1,site=odc rx=1") == [
        "odc/10.0.0.1 optic.rx{site=odc} = 1.0 1 gauge"
      ])
    #expect(bench.observations.first?.series.device.deviceClass == .fiberNode)
    // Without the tag, the format's own name.
    #expect(bench.lines("telegraf/x", "optic,agent_host=10.0.0.2 rx=1") == ["10.0.0.2 optic.rx = 1.0 1 gauge"])
  }

  @Test("points without a tag for their device are the topic's, each topic's own")
  func telegrafTopics() throws {
    let bench = try Bench(format: "telegraf")
    #expect(bench.lines("a/1", "m v=1") == ["a/1 m.v = 1.0 1 gauge"])
    #expect(bench.lines("a/2", "m v=1") == ["a/2 m.v = 1.0 1 gauge"])
  }

  @Test("SenML's relative times, base values, and what must be understood")
  func senml() throws {
    let bench = try Bench(format: "senml")
    #expect(
      bench.lines("t", #"[{"n":"a","t":-10,"v":1},{"bn":"dev/","bv":20,"bu":"Cel","n":"x","v":2.5},{"n":"","v":1}]"#)
        == [
          "t a = 1.0 1 gauge", "dev x = 22.5 Cel gauge", "dev hw.temperature = 21.0 Cel gauge",
        ])
    #expect(bench.times.first == "2026-11-22T03:40:02.900Z")
    #expect(bench.timeSources == ["payload", "received", "received"])
    #expect(
      bench.lines("t", #"[{"n":"a","v":1,"shape_":2},{"n":"b","v":"x"},{"n":"c","v":3}]"#) == ["t c = 3.0 1 gauge"])
    #expect(bench.isPartial)
    bench.decode("t", #"{"n":"a","v":1}"#)
    #expect(bench.faults == ["payload: an object, where an array of records was expected"])
    bench.decode("t", #"[{"bver":11,"n":"a","v":1}]"#)
    #expect(bench.isRefused)
  }
}

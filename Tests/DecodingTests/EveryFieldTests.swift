import Telemetry
import Testing

@testable import Decoding

/// What no JSON document is: protobuf and influx lines, field by field. JSON's leaves are those of `LeafTests`.
@Suite("every field of what is no document")
struct EveryFieldTests {
  /// All that can be told of what came.
  private func told(_ bench: Bench) -> [String] {
    zip(bench.observations, bench.times).map { "\(Bench.line($0)) at \($1)" }
  }

  // MARK: - Sparkplug

  /// A node's whole life; `change` names the field that bears another value.
  private func life(_ change: Change? = nil) throws -> [String] {
    let bench = try Bench(format: "sparkplug", topic: "spBv1.0/#")
    var lines: [String] = []
    for (number, message) in SparkplugLife.messages.enumerated() {
      let payload = ProtoTree.bytes(message.fields, message.type, change: change?.inMessage(number))
      bench.decode("spBv1.0/g/\(message.type)/n", payload)
      lines += told(bench)
    }
    return lines
  }

  private struct Change {
    let message: Int
    let path: String
    let variant: Int

    func inMessage(_ number: Int) -> ProtoTree.Change? {
      number == message ? ProtoTree.Change(path: path, variant: variant) : nil
    }
  }

  @Test("Sparkplug: changes a reading, or is in the list of what is left out")
  func sparkplug() throws {
    let known = Decoder.leftOut(of: "sparkplug")
    let original = try life()
    #expect(original.count == 12, "\(original)")
    var checked = 0
    for (number, message) in SparkplugLife.messages.enumerated() {
      for path in ProtoTree.paths(message.fields) {
        let changes = try (0..<ProtoTree.variants).contains { variant in
          try life(Change(message: number, path: path, variant: variant)) != original
        }
        checked += 1
        if !changes { #expect(known.contains { $0.covers(path) }, "\(message.type) \(path)") }
      }
    }
    #expect(checked > 70)
  }

  // MARK: - Telegraf

  private struct Point {
    var measurement = "interface"
    var tags = [
      ("agent_host", "10.0.0.1"), ("sysName", "odc"), ("sysLocation", "kota"), ("host", "noc"), ("ifName", "ge1"),
      ("ifDescr", "port"), ("ifIndex", "3"), ("ifAlias", "timur"), ("zone", "a"), ("port_description", "x"),
    ]
    var fields = [
      ("ifHCInOctets", "5i"), ("ifHighSpeed", "1000u"), ("ifOperStatus", "1i"), ("suhu", "1.5"), ("state", "\"up\""),
      ("ok", "true"), ("note", "\"\""),
    ]
    var seconds = 1_795_318_800

    var line: String {
      measurement + tags.map { ",\($0.0)=\($0.1)" }.joined() + " "
        + fields.map { "\($0.0)=\($0.1)" }.joined(separator: ",") + " \(seconds)000000000"
    }

    var json: String {
      func json(_ value: String) -> String {
        value.hasPrefix("\"") || Double(value) != nil || value == "true" || value == "false"
          ? value : String(value.dropLast())
      }
      let fields = fields.map { "\"\($0.0)\":\(json($0.1))" }.joined(separator: ",")
      let tags = tags.map { "\"\($0.0)\":\"\($0.1)\"" }.joined(separator: ",")
      return "{\"name\":\"\(measurement)\",\"tags\":{\(tags)},\"fields\":{\(fields)},\"timestamp\":\(seconds)}"
    }
  }

  @Test("Telegraf: every tag, field and time, in a line as in JSON", arguments: [false, true])
  func telegraf(_ isJSON: Bool) throws {
    func read(_ point: Point) throws -> [String] {
      let bench = try Bench(format: "telegraf")
      bench.decode("t", isJSON ? point.json : point.line)
      return told(bench)
    }
    let known = Decoder.leftOut(of: "telegraf")
    let whole = Point()
    let original = try read(whole)
    #expect(original.count == 6)
    var point = whole
    point.measurement += "x"
    #expect(try read(point) != original)
    point = whole
    point.seconds -= 60
    #expect(try read(point) != original)
    for index in whole.tags.indices {
      point = whole
      point.tags[index].0 += "x"
      #expect(try read(point) != original || whole.tags[index].0.lowercased().contains("descr"), "\(whole.tags[index])")
      point = whole
      point.tags[index].1 += "x"
      let changes = try read(point) != original
      #expect(changes || known.contains { $0.covers("/tags/" + whole.tags[index].0) }, "\(whole.tags[index])")
    }
    let others = ["7i", "7u", "2i", "7", "\"down\"", "false", "\"x\""]
    for index in whole.fields.indices {
      point = whole
      point.fields[index].1 = others[index]
      #expect(try read(point) != original, "\(whole.fields[index])")
      point = whole
      point.fields[index].0 += "x"
      #expect(try read(point) != original || whole.fields[index].0 == "note", "\(whole.fields[index])")
      point = whole
      point.fields.remove(at: index)
      #expect(try read(point) != original || whole.fields[index].0 == "note", "\(whole.fields[index])")
    }
  }

  // MARK: - Documents

  @Test("documents with all that their formats know", arguments: EveryFieldTests.documents)
  func document(_ format: String, _ topic: String, _ payload: String) throws {
    let file = Files.Case(name: topic, topic: topic, format: format, payload: Array(payload.utf8))
    let bench = try Bench(format: format)
    bench.decode(topic, payload)
    #expect(bench.isDecoded, "\(bench.faults)")
    let lost = try LeafTests.unaccounted(file)
    #expect(lost.isEmpty, "\(lost)")
  }

  static let documents: [(String, String, String)] = [
    (
      "senml", "sen/x",
      #"[{"bn":"urn:dev:ow:1:","bt":1795318800,"bu":"A","bv":10,"bs":100,"bver":5},{"n":"a","u":"V","t":-5,"v":1,"ut":60},{"n":"b","vs":"x"},{"n":"c","vb":true},{"n":"d","vd":"aGk"},{"n":"e","s":5},{"n":"f","v":2,"l":"y"}]"#
    ),
    (
      "onvif", "k/onvif-ej/RuleEngine/FieldDetector/ObjectsInside/&1",
      #"{"UtcTime":"2026-11-22T03:40:00Z","Source":{"Rule":"a","Extra":1},"Key":{"ObjectId":"7","Zone":"b"},"Data":{"IsInside":true,"Likelihood":0.5}}"#
    ),
    (
      "onvif", "k/onvif-mj/SensorData/Humidity",
      #"{"SensorData":[{"@UtcTime":"2026-11-22T03:40:00Z","@SensorID":"a","Value":5,"Unit":"%"},{"@SensorID":"b","Value":"6"}]}"#
    ),
    (
      "onvif", "k/onvif-mj/VideoAnalytics/1",
      ##"{"Frame":[{"@UtcTime":"2026-11-22T03:40:00Z","@Source":"m","@context":{"a":"b"},"Object":[{"@ObjectId":1,"Appearance":{"Shape":{"BoundingBox":{"@left":1}},"Class":{"Type":[{"@Likelihood":0.8,"#text":"Human"}]}}}]}]}"##
    ),
    (
      "axis", "axis/B8A44F112233/event/tns:axis/CameraApplicationPlatform/ObjectAnalytics/Device1Scenario2",
      #"{"topic":"axis:CameraApplicationPlatform/ObjectAnalytics/Device1Scenario2","timestamp":1795318800000,"serial":"B8A44F112233","message":{"source":{"a":"1"},"key":{"objectId":"3"},"data":{"total":"4","totalCar":"4","reason":"car","resetTime":"2026-11-22T00:00:00Z"}}}"#
    ),
    (
      "axis", "axis/B8A44F112233/scene",
      #"{"frame":{"observations":[{"bounding_box":{"left":0.1},"class":{"type":"Human","score":0.8},"track_id":"7"}],"operations":[],"timestamp":"2026-11-22T03:40:00Z"}}"#
    ),
    (
      "tasmota", "tele/panel/SENSOR",
      #"{"Time":"2026-11-22T10:40:00","TX23":{"Speed":{"Act":14.8},"Direction":{"Card":"W","Degree":7}},"ENERGY":{"TotalStartTime":"2026-01-01T00:00:00","Total":[1,2],"TotalTariff":[1,2],"Today":1,"Power":[5,6]},"DS18B20-1":{"Id":"01","Temperature":3},"BME280":{"Pressure":1,"SeaPressure":2},"Switch1":"ON","PressureUnit":"mmHg","TempUnit":"F","SpeedUnit":"km/h"}"#
    ),
    (
      "telegraf", "t",
      #"{"metrics":[{"fields":{"a":1,"b":true,"c":"x","d":null},"name":"m","tags":{"host":"h","z":"1"},"timestamp":"2026-11-22T03:40:00Z"}]}"#
    ),
    (
      "frigate", "frigate/events",
      #"{"type":"end","before":{"id":"a"},"after":{"id":"b","camera":"c","frame_time":1795318795,"label":"bus","start_time":1795318790,"end_time":1795318798.25,"score":0.5,"top_score":0.9,"snapshot":{"score":1},"box":[1,2]}}"#
    ),
  ]
}

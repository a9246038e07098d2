import Telemetry
import Testing

@testable import Decoding

@Suite("what tells of people is not kept")
struct FieldRedactionTests {
  private func kept(
    _ payload: String, topic: String = "school/sman1/cctv/cam-03", redact: [String] = [], unredacted: [String] = [],
    format: String = "json"
  ) throws -> String {
    var source = SourceDefinition(name: "s", topic: try TopicPattern("school/#"), format: format)
    source.redact = redact
    source.unredacted = unredacted
    let redaction = FieldRedaction(sources: [source])
    let bytes = Array(topic.utf8).withUnsafeBytes { topic in
      Array(payload.utf8).withUnsafeBytes { redaction.redact(topic: topic, payload: $0) }
    }
    return bytes.map { String(decoding: $0, as: UTF8.self) } ?? payload
  }

  @Test("plates, faces and names become null, and all else stays byte for byte")
  func fields() throws {
    let payload = #"{ "fps":24.80,"Plate" : "B 1234 XY","car":{"license_plate":"BG 77 A","score":0.9},"n":1e3 }"#
    #expect(
      try kept(payload) == #"{ "fps":24.80,"Plate" : null,"car":{"license_plate":null,"score":0.9},"n":1e3 }"#)
    #expect(
      try kept(#"[{"face":{"name":"Siti","box":[1,2]}},{"faces":["Ani","Budi"],"nik":3201234567890001}]"#)
        == #"[{"face":null},{"faces":null,"nik":null}]"#)
  }

  @Test(
    "the name is found however it is written",
    arguments: [
      "plate", "PLATE", "plateNumber", "plate_number", "plate-number", "Plate Number", "licensePlate",
      "recognized_license_plate", "data.plate", "tt:PlateNumber", #"pl\u0061te"#, #"\u0050late"#, "@plate",
    ])
  func names(name: String) throws {
    #expect(try kept(#"{"\#(name)":"B 1 A"}"#) == #"{"\#(name)":null}"#)
  }

  @Test(
    "what is no such field stays",
    arguments: [
      #"{"interface":"eth0","template":"a","plated":true,"platform":"x86","surface":1}"#,
      // How many there were, and that there was one, tells of nobody.
      #"{"faces":3,"face":true,"plate":true,"x":null,"plate":null,"face":null,"plate":""}"#,
      #"{"label":"plate","type":"face","text":"the plate is here"}"#,
      #"{"name":"cam-03","value":"plate"}"#, "plate", "", "{", #"{"plate"#, #"{"plate":"#, #"["plate"]"#,
    ])
  func others(payload: String) throws { #expect(try kept(payload) == payload) }

  @Test("a pair of name and value is a field, in whichever order")
  func pairs() throws {
    #expect(
      try kept(#"[{"n":"cam/plate","vs":"B 1 A"},{"n":"fps","v":25}]"#)
        == #"[{"n":"cam/plate","vs":null},{"n":"fps","v":25}]"#)
    #expect(
      try kept(#"{"Data":{"SimpleItem":[{"Value":"B 1 A","Name":"PlateNumber"}]}}"#)
        == #"{"Data":{"SimpleItem":[{"Value":null,"Name":"PlateNumber"}]}}"#)
    #expect(try kept(#"{"key":"plate","a":{"value":"x"}}"#) == #"{"key":"plate","a":{"value":"x"}}"#)
  }

  @Test("a payload that is cut off, or was never JSON, keeps none either")
  func broken() throws {
    #expect(try kept(#"{"plate":"B 1234"#) == #"{"plate":null"#)
    #expect(try kept(#"{"a":1,,"plate":["B 1","B 2""#) == #"{"a":1,,"plate":null"#)
    #expect(try kept(#"{"n":"plate","vs":"B 1"#) == #"{"n":"plate","vs":null"#)
  }

  @Test("line protocol, XML, and a topic of that name")
  func otherForms() throws {
    #expect(
      try kept(#"anpr,cam=a,plate=B\ 1\ A speed=31i,plate="B, \"1\" A",n=1 1795318812600"#)
        == #"anpr,cam=a,plate=redacted speed=31i,plate="redacted",n=1 1795318812600"#)
    #expect(
      try kept(#"<e v="1"><ns:licensePlate a="b">B 1 A</ns:licensePlate><fps>25</fps></e>"#)
        == #"<e v="1"><ns:licensePlate a="b"></ns:licensePlate><fps>25</fps></e>"#)
    #expect(
      try kept(#"<Item Name="Plate" Value='B 1 A'/><x plate="B 2"/><plate>B 3"#)
        == #"<Item Name="Plate" Value=''/><x plate=""/><plate>"#)
    #expect(try kept("B 1 A", topic: "school/x/plate") == "redacted")
    #expect(try kept(#""B 1 A""#, topic: "school/x/plate") == "redacted")
    #expect(try kept("3", topic: "school/x/faces") == "3")
    #expect(try kept("3201234567890001", topic: "school/x/nik") == "redacted")
    #expect(
      try kept(#"{"text":"B 1 A","confidence":0.9,"all":["B 2"]}"#, topic: "school/x/plate")
        == #"{"text":null,"confidence":0.9,"all":[null]}"#)
    #expect(try kept("25.0", topic: "school/x/fps") == "25.0")
  }

  @Test("a source adds names, and takes built-in ones back for itself alone")
  func configured() throws {
    let payload = #"{"nama":"Siti","badge":true,"plate":"left"}"#
    #expect(try kept(payload, redact: ["nama", "Badge"]) == #"{"nama":null,"badge":null,"plate":null}"#)
    #expect(try kept(payload, unredacted: ["plate"]) == payload)
    #expect(
      try kept(payload, topic: "other/x", redact: ["nama"], unredacted: ["plate"])
        == #"{"nama":"Siti","badge":true,"plate":null}"#)
  }

  @Test("what Frigate says of whom it saw goes; cameras keep their names elsewhere")
  func frigate() throws {
    let update = #"{"type":"face","id":"1","name":"Siti","camera":"gate","score":0.9}"#
    #expect(try kept(update, format: "frigate") == #"{"type":"face","id":"1","name":null,"camera":"gate","score":0.9}"#)
    #expect(try kept(update) == update)
  }

  @Test("what is kept is kept as it is: redacting twice changes nothing")
  func twice() throws {
    for payload in [
      #"{"plate":"B 1","n":"plate","vs":"B"}"#, #"a,plate=b plate="c""#, "<plate>x</plate>",
      #"{"a":{"face":{"b":"c"}}}"#,
    ] {
      let once = try kept(payload)
      #expect(once != payload)
      #expect(try kept(once) == once)
    }
    #expect(try kept("redacted", topic: "school/plate") == "redacted")
  }

  @Test("no payload that is known loses anything but what it should")
  func published() throws {
    let known = ["\"plate", "license_plate", "\"face", "sub_label"]
    for file in Files.published + Files.cases {
      let payload = String(decoding: file.payload, as: UTF8.self)
      guard try kept(payload) != payload else { continue }
      #expect(known.contains { payload.lowercased().contains($0) }, "\(file.name)")
    }
  }

  @Test("a large payload is gone through once, whatever it is made of")
  func time() throws {
    for piece in [
      #"{"plate":"#, #""plate":{"#, #"{"n":"plate","v":"#, "plate=", "<plate>", "<plate/>", "[", "\"", "\\", "=",
      "<a b=\"",
      #""plate":"B","#, "<x name=\"plate\" value=\"b\">",
    ] {
      _ = try kept("{" + String(repeating: piece, count: 250_000 / piece.utf8.count))
      _ = try kept("<" + String(repeating: piece, count: 250_000 / piece.utf8.count))
      _ = try kept(String(repeating: piece, count: 250_000 / piece.utf8.count))
    }
  }

  @Test("what a topic means is remembered for that topic alone")
  func remembered() throws {
    var first = SourceDefinition(name: "a", topic: try TopicPattern("school/+/a"), format: "json")
    first.redact = ["badge"]
    var second = SourceDefinition(name: "b", topic: try TopicPattern("school/#"), format: "json")
    second.unredacted = ["plate"]
    let (plain, remembering) = (
      FieldRedaction(sources: [first, second]), RememberingRedaction(sources: [first, second])
    )
    let topics = ["school/1/a", "school/1/b", "school/1/plate", "other", "other/plate", "school/2/a", ""]
    let payloads = [#"{"badge":1,"plate":"B 1"}"#, #"{"text":"B 1"}"#, "B 1 A", "a,plate=b c=1"]
    func redacted(_ topic: String, _ body: (UnsafeRawBufferPointer) -> [UInt8]?) -> String? {
      Array(topic.utf8).withUnsafeBytes(body).map { String(decoding: $0, as: UTF8.self) }
    }
    var different: Set<String?> = []
    for (topic, payload) in (topics + topics.reversed()).flatMap({ topic in payloads.map { (topic, Array($0.utf8)) } })
    {
      let expected = redacted(topic) { topic in payload.withUnsafeBytes { plain.redactAll(topic: topic, payload: $0) } }
      let got = redacted(topic) { topic in
        payload.withUnsafeBytes { remembering.redactAll(topic: topic, payload: $0) }
      }
      #expect(got == expected)
      different.insert(got)
    }
    #expect(different.count > 5)
    #expect(remembering.count == topics.count)
  }

  @Test("however many topics there are, what is remembered stays bounded")
  func bounded() throws {
    let remembering = RememberingRedaction(sources: [])
    for number in 0...RememberingRedaction.mostTopics {
      _ = Array("t/\(number)".utf8).withUnsafeBytes { topic in
        Array("1".utf8).withUnsafeBytes { remembering.redactAll(topic: topic, payload: $0) }
      }
    }
    #expect(remembering.count == 1)
  }

  @Test("levels of a topic that a source names are not kept, and what remains is the same source's")
  func levels() throws {
    var first = SourceDefinition(
      name: "a", topic: try TopicPattern("school/{site}/visitor/{person}/door"), format: "json")
    first.redactedLevels = ["person"]
    var second = SourceDefinition(name: "b", topic: try TopicPattern("gate/{who...}"), format: "json")
    second.redactedLevels = ["who"]
    let plain = SourceDefinition(name: "c", topic: try TopicPattern("#"), format: "json")
    let remembering = RememberingRedaction(sources: [first, second, plain])
    for (topic, expected) in [
      "school/sman1/visitor/siti/door": "school/sman1/visitor/redacted/door",
      "gate/a/b/c": "gate/redacted/redacted/redacted",
      "gate/a": "gate/redacted", "school/sman1/visitor/siti": nil, "gate": nil, "other/siti": nil,
    ] as [String: String?] {
      for _ in 0..<2 {
        let kept = Array(topic.utf8).withUnsafeBytes(remembering.topic).map { String(decoding: $0, as: UTF8.self) }
        #expect(kept == expected)
        guard let kept else { continue }
        let again = Array(kept.utf8).withUnsafeBytes(remembering.topic).map { String(decoding: $0, as: UTF8.self) }
        #expect(again == kept)
      }
    }
  }
}

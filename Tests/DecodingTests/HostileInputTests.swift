import Telemetry
import Testing

@testable import Decoding

@Suite("hostile input")
struct HostileInputTests {
  /// Small and reproducible (SplitMix64).
  struct Dice: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return z ^ (z >> 31)
    }
  }

  private static let corpus = Files.cases + Files.published

  /// What must hold whatever comes in.
  private func check(_ bench: Bench, _ context: @autoclosure () -> String) {
    for observation in bench.observations {
      if case .number(let number) = observation.value { #expect(number.isFinite, "\(context())") }
    }
    if bench.isRefused || bench.isIgnored { #expect(bench.observations.isEmpty, "\(context())") }
    for fault in bench.faults {
      #expect(
        fault.count < 300 && !fault.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f }, "\(context())")
    }
  }

  @Test("objects and arrays inside one another are bounded")
  func nesting() throws {
    let bench = try Bench(format: "json")
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + "1" + String(repeating: "]", count: depth)
    }
    bench.decode("t", nested(32))
    #expect(bench.isDecoded)
    bench.decode("t", nested(33))
    #expect(bench.faults == ["byte 32: more than 32 objects and arrays inside one another"])
    bench.decode("t", String(repeating: "{\"a\":", count: 20_000))
    #expect(bench.isRefused)
  }

  @Test("size, values, paths and texts are bounded")
  func bounds() throws {
    let bench = try Bench(try source("#", "json"), limits: DecodingLimits(payloadBytes: 100, fields: 10, paths: 64))
    bench.decode("t", [UInt8](repeating: 0x20, count: 101))
    #expect(bench.faults == ["byte 100: the payload has 101 bytes; at most 100 are read"])
    bench.decode("t", "[1,2,3,4,5,6,7,8,9,10,11]")
    #expect(bench.faults == ["payload: more than 10 values"])
    // Ever new keys: the paths are forgotten and begun anew.
    for number in 0..<500 {
      #expect(bench.lines("t", #"{"k\#(number)":\#(number)}"#) == ["t k\(number) = \(Double(number)) 1 gauge"])
    }
  }

  @Test("paths that are forgotten keep the series of every topic right")
  func forgottenPaths() throws {
    let bench = try Bench(try source("#", "json"), limits: DecodingLimits(paths: 64))
    for round in 0..<40 {
      for topic in ["a", "b"] {
        let keys = (0..<10).map { "k\((round * 7 + $0) % 90)" }
        let payload = "{" + keys.map { "\"\($0)\":\($0.dropFirst())" }.joined(separator: ",") + "}"
        for observation in bench.decode(topic, payload) {
          #expect(observation.series.device.name == topic)
          #expect(observation.value == .number(Double(observation.series.metric.dropFirst()) ?? -1))
        }
        #expect(bench.observations.count == 10)
      }
    }
  }

  @Test("an error shows at most 40 characters of a payload, and no control characters")
  func excerpts() throws {
    let bench = try Bench(try source("#", "json", metrics: [MetricMapping(name: "x", path: "/v")]))
    bench.decode("t", "{\"v\":\"\\u001b[31m\\u0007" + String(repeating: "secret ", count: 30) + "\"}")
    let fault = try #require(bench.faults.first)
    #expect(fault.contains("\\u{1b}[31m\\u{7}secret"))
    #expect(fault.components(of: "secret") <= 6)
    let frigate = try Bench(format: "json")
    frigate.decode("t", "{\"" + String(repeating: "k", count: 200) + "\":1e999}")
    #expect(frigate.faults.first?.filter { $0 == "k" }.count ?? 99 <= 40)
  }

  @Test("binary payloads are refused by kind and size in every format")
  func binary() throws {
    let image = [0xff, 0xd8, 0xff, 0xe0] + [UInt8](repeating: 0x5a, count: 60_000)
    for file in Files.cases {
      let bench = try Bench(format: file.format)
      bench.decode(file.topic, image)
      #expect(bench.observations.isEmpty)
      for fault in bench.faults { #expect(!fault.contains("ZZ")) }
    }
  }

  @Test("every payload cut at every byte")
  func truncated() throws {
    #expect(!HostileInputTests.corpus.isEmpty)
    for file in HostileInputTests.corpus {
      let bench = try Bench(format: file.format)
      for count in 0..<min(file.payload.count, 4000) {
        bench.decode(file.topic, Array(file.payload[..<count]))
        check(bench, "\(file.name) cut at \(count)")
      }
    }
  }

  @Test("every kind of payload on every format's topics")
  func mismatched() throws {
    for topics in Files.cases {
      let bench = try Bench(format: topics.format)
      for file in HostileInputTests.corpus {
        bench.decode(topics.topic, file.payload)
        check(bench, "\(file.name) as \(topics.name)")
      }
    }
  }

  @Test("20,000 payloads with bytes changed at random")
  func mutated() throws {
    var dice = Dice(state: 20_261_122)
    let corpus = HostileInputTests.corpus.filter { !$0.payload.isEmpty && $0.payload.count < 3000 }
    var benches: [String: Bench] = [:]
    for format in Decoder.formats { benches[format] = try Bench(format: format) }
    let spice = Array("{}[]\",:\\0123456789eE+-.nutfalse\u{0}\n\r =#/~&".utf8) + [0xff, 0xc0, 0x80, 0xed, 0xf5]
    for round in 0..<20_000 {
      guard let file = corpus.randomElement(using: &dice), let bench = benches[file.format] else { continue }
      var payload = file.payload
      for _ in 0..<Int.random(in: 1...4, using: &dice) {
        let at = Int.random(in: 0..<payload.count, using: &dice)
        switch Int.random(in: 0..<5, using: &dice) {
        case 0: payload[at] = UInt8.random(in: .min ... .max, using: &dice)
        case 1: payload[at] = spice.randomElement(using: &dice) ?? 0
        case 2: payload.insert(spice.randomElement(using: &dice) ?? 0, at: at)
        case 3: if payload.count > 1 { payload.remove(at: at) }
        default:
          let end = Int.random(in: at..<payload.count, using: &dice)
          payload.insert(contentsOf: payload[at...end], at: Int.random(in: 0...payload.count, using: &dice))
        }
      }
      bench.decode(file.topic, payload)
      check(bench, "round \(round), \(file.name)")
    }
  }

  @Test("the reader of our own and simdjson agree")
  func agreement() {
    let lenient = LenientJSON(nesting: 32)
    let parser = JSONParser(limits: DecodingLimits())
    func text(_ value: JSONValue) -> String {
      switch value.kind {
      case .object: "{" + value.members.map { String(utf8: $0.key) + ":" + text($0.value) }.joined(separator: ",") + "}"
      case .array: "[" + value.elements.map(text).joined(separator: ",") + "]"
      case .string: "'" + String(utf8: value.text) + "'"
      case .number: "\(value.number ?? .nan)"
      case .bool: "\(value.bool ?? false)"
      case .null: "null"
      case .unusable: value.unusableReason
      }
    }
    var compared = 0
    for file in HostileInputTests.corpus {
      file.payload.withUnsafeBytes { payload in
        let ours: String? = (try? lenient.parse(payload)).map(text)
        let theirs: String? = (try? parser.parse(payload)).map(text)
        #expect(ours == theirs || BinaryContent.describe(payload) != nil, "\(file.name)")
        if ours != nil { compared += 1 }
      }
    }
    #expect(compared >= 15)
  }

  @Test("many members of the same name are looked through in reasonable time")
  func manyMembers() throws {
    let bench = try Bench(format: "frigate", topic: "frigate/{rest...}")
    let cameras = (0..<1500).map { "\"c\($0 % 700)\":{\"camera_fps\":\($0)}" }.joined(separator: ",")
    #expect(bench.decode("frigate/stats", "{\"cameras\":{\(cameras)}}").count == 700)
  }
}

extension String {
  fileprivate func components(of word: String) -> Int {
    var count = 0
    var rest = self[...]
    while let range = rest.firstRange(of: word) {
      count += 1
      rest = rest[range.upperBound...]
    }
    return count
  }
}

/// The readers that nobody else's library does for us.
@Suite("hostile input for the readers of our own")
struct HostileReaderTests {
  private func xml(_ text: String) throws(DecodingFault) -> String {
    let tape = TapeBuilder()
    var out = ""
    var fault: DecodingFault?
    Array(text.utf8).withUnsafeBytes { bytes in
      do throws(DecodingFault) {
        let root = try XMLReader(limits: DecodingLimits(nesting: 8, fields: 50)).read(bytes, tape)
        out = HostileReaderTests.text(root)
      } catch { fault = error }
    }
    if let fault { throw fault }
    return out
  }

  private static func text(_ value: JSONValue) -> String {
    switch value.kind {
    case .object: "{" + value.members.map { String(utf8: $0.key) + ":" + text($0.value) }.joined(separator: ",") + "}"
    case .array: "[" + value.elements.map(text).joined(separator: ",") + "]"
    default: String(utf8: value.text)
    }
  }

  @Test("XML: names, attributes, namespaces, entities, text beside children")
  func xmlShapes() throws {
    #expect(try xml("<a/>") == "")
    #expect(
      try xml("<?xml version='1.0'?><!-- x --><n:a b='1' xmlns:n='u'>t<c>2</c><c/> u</n:a>")
        == "{@b:1,c:[2,],#text:t u}")
    #expect(try xml("<a>&lt;&amp;&gt;</a>") == "<&>")
  }

  @Test(
    "XML that is broken, grows or reaches outside is refused",
    arguments: [
      "<a>", "<a></b>", "<a b></a>", "<a b=1></a>", "<a b='1></a>", "<", "<a", "<a><b></a></b>", "<a/><b/>",
      "<a>&x;</a>",
      "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "<a>&#65;</a>", "<!-- ", "<?xml", "<a/>text",
      String(repeating: "<a>", count: 100_000), "<a>" + String(repeating: "<b/>", count: 100) + "</a>",
      "<a " + (0..<100).map { "x\($0)='1'" }.joined(separator: " ") + "/>",
    ])
  func xmlRefused(_ text: String) { #expect(throws: DecodingFault.self) { try xml(text) } }

  @Test("a tape grows with what is written on it")
  func tape() {
    let tape = TapeBuilder()
    for size in [0, 1, 5000, 3] {
      tape.begin()
      tape.array {
        for number in 0..<size {
          tape.object {
            tape.text("key".utf8)
            tape.text("value \(number)".utf8)
          }
        }
      }
      #expect(tape.root.elements.map { HostileReaderTests.text($0) } == (0..<size).map { "{key:value \($0)}" })
    }
    tape.begin()
    tape.text([UInt8](repeating: 0x41, count: 1_000_000))
    #expect(tape.root.text.count == 1_000_000)
  }

  @Test("dates that are none, and patterns that are none")
  func patterns() throws {
    let zone = try #require(LocalZone(named: "Asia/Jakarta"))
    let pattern = try #require(TimePattern("%Y-%m-%d %H:%M:%S"))
    #expect(pattern.time("2026-11-22 10:40:00", zone: zone).map(RFC3339.format) == "2026-11-22T03:40:00Z")
    for text in [
      "", "2026", "2026-13-01 00:00:00", "2026-02-30 00:00:00", "2026-11-22 25:00:00", "2026-11-22 10:61:00",
      "2026-11-22 10:40:00 ", "0000-00-00 00:00:00", "٢٠٢٦-11-22 10:40:00", String(repeating: "9", count: 100_000),
      "2026-11-22 10:40:\u{0}0", "-026-11-22 10:40:00",
    ] {
      #expect(pattern.time(text, zone: zone) == nil, "\(text.prefix(30))")
    }
    for text in ["", "%", "%Q", "%H:%M", String(repeating: "%Y", count: 5000), "%Y-%m-%d%"] {
      #expect(TimePattern(text) == nil, "\(text.prefix(30))")
    }
  }

  @Test("the end of a topic, compared with topics of any shape")
  func tails() throws {
    let tail = try TopicTail("{a}:{b}/x")
    #expect(tail.match("p/q/1:2/x")?["a"] == "1")
    for topic in ["", "/", "//", "x", ":/x", "1:/x", ":2/x", String(repeating: "/", count: 60_000), "1:2/x/"] {
      let match = tail.match(topic)
      #expect(match?["a"] != "" && match?["b"] != "", "\(topic.prefix(20))")
    }
    for text in ["", String(repeating: "a", count: 2000), "{a}/{a}", "{", "{a}{b}", "{rest...}/x"] {
      #expect(throws: (any Error).self) { try TopicTail(text) }
    }
  }
}

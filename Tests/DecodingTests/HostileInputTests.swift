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

import Telemetry
import Testing

@testable import Decoding

@Suite("limits")
struct LimitTests {
  private func limit(_ bench: Bench) -> DecodingLimits.Kind? {
    switch bench.outcome {
    case .refused(let fault): fault.limit
    case .partial(let faults): faults.lazy.compactMap(\.limit).first
    default: nil
    }
  }

  @Test("each limit that is hit says which it is")
  func kinds() throws {
    let limits = DecodingLimits(payloadBytes: 2000, nesting: 4, fields: 20, topics: 16, textBytes: 64, paths: 32)
    let registry = Registry(limits: .init(devices: 3, series: 8))
    let bench = try Bench(try source("#", "json"), limits: limits)
    bench.decode("t", [UInt8](repeating: 0x20, count: 2001))
    #expect(limit(bench) == .payload)
    bench.decode("t", "[[[[[1]]]]]")
    #expect(limit(bench) == .nesting)
    bench.decode("t", "[" + (0..<30).map(String.init).joined(separator: ",") + "]")
    #expect(limit(bench) == .fields)
    bench.decode("t", #"{"a":"\#(String(repeating: "x", count: 65))","b":1}"#)
    #expect(limit(bench) == .text)
    let full = try Decoder(
      sources: [try source("#", "json")], timezone: "UTC", registry: registry, limits: limits)
    func decode(_ topic: String, _ payload: String) -> Decoder.Outcome {
      var observations: [Observation] = []
      return Array(topic.utf8).withUnsafeBytes { topic in
        Array(payload.utf8).withUnsafeBytes {
          full.decode(topic: topic, payload: $0, Reception(receivedAt: Bench.now), into: &observations)
        }
      }
    }
    for topic in ["a", "b", "c"] { _ = decode(topic, "{\"a\":1}") }
    guard case .refused(let devices) = decode("d", "{\"a\":1}") else {
      Issue.record("more devices than there may be")
      return
    }
    #expect(devices.limit == .devices)
    guard case .partial(let series) = decode("a", #"{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1}"#) else {
      Issue.record("more series than there may be")
      return
    }
    #expect(series.first?.limit == .series)
  }

  @Test("a million topics leave no more routes behind than the limit, and each time that it is hit is counted")
  func millionTopics() throws {
    // No source: what no source takes must be remembered, too, and forgotten.
    let decoder = try Decoder(
      sources: [], timezone: "UTC", registry: Registry(), limits: DecodingLimits(topics: 2000))
    var observations: [Observation] = []
    let reception = Reception(receivedAt: Bench.now)
    // Counted up in place: to make a million texts would be most of the work.
    withUnsafeTemporaryAllocation(byteCount: 8, alignment: 8) { name in
      for number in UInt64(0)..<1_000_000 {
        // Eight letters.
        var word: UInt64 = 0x6161_6161_6161_6161
        for shift in UInt64(0)..<5 { word += (number >> (shift * 4) & 15) << (shift * 8) }
        name.storeBytes(of: word, as: UInt64.self)
        let topic = UnsafeRawBufferPointer(name)
        _ = decoder.decode(topic: topic, payload: topic, reception, into: &observations)
        if number % 1999 == 0, decoder.rememberedTopics > 2000 { Issue.record("too many at \(number)") }
      }
    }
    #expect(decoder.rememberedTopics <= 2000)
    #expect(decoder.topicLimitHits == 499)
    #expect(observations.isEmpty)
  }

  @Test("devices and series without end are refused beyond the limits, and counted")
  func topics() throws {
    let registry = Registry(limits: .init(devices: 100, series: 500))
    let decoder = try Decoder(
      sources: [try source("#", "scalar")], timezone: "UTC", registry: registry, limits: DecodingLimits(topics: 2000))
    var observations: [Observation] = []
    let payload = Array("1".utf8)
    var refused = 0
    for number in 0..<20_000 {
      let outcome = Array("t/\(number)".utf8).withUnsafeBytes { topic in
        payload.withUnsafeBytes {
          decoder.decode(topic: topic, payload: $0, Reception(receivedAt: Bench.now), into: &observations)
        }
      }
      if case .refused(let fault) = outcome, fault.limit == .devices { refused += 1 }
    }
    #expect(decoder.rememberedTopics <= 2000)
    #expect(decoder.topicLimitHits == 9)
    #expect(registry.devices.count == 100)
    #expect(observations.count == 100)
    #expect(refused == 19_900)
    #expect(registry.refused == 19_900)
  }

  @Test("a giant payload, a million fields and nesting without end are refused in every format")
  func giants() throws {
    let fields = "{" + (0..<100_000).map { "\"k\($0)\":1" }.joined(separator: ",") + "}"
    let lines = String(repeating: "m f=1\n", count: 40_000)
    let deep = String(repeating: "[", count: 200_000)
    for format in Decoder.formats {
      let bench = try Bench(format: format)
      for topic in Files.cases.filter({ $0.format == format }).map(\.topic) + ["any/topic"] {
        for payload in [fields, lines, deep, String(repeating: "x", count: 2_000_000)] {
          bench.decode(topic, payload)
          #expect(bench.observations.count <= 4096, "\(format)")
        }
      }
    }
    let bench = try Bench(try source("#", "json"), limits: DecodingLimits(payloadBytes: 4 << 20))
    bench.decode("t", "[" + String(repeating: "1,", count: 1_000_000) + "1]")
    #expect(limit(bench) == .fields)
    bench.decode("t", String(repeating: "[", count: 1_000_000))
    #expect(limit(bench) == .nesting)
  }
}

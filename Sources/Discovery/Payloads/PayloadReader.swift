import Decoding
import Telemetry

/// Reads documents through the same decoder that the gateway will use: what it takes is what there is.
struct PayloadReader {
  struct Leaf {
    enum Value: Hashable {
      case number(Double)
      /// A word; also `true` and `false`.
      case word(String)
    }

    /// JSON Pointer.
    let path: String
    let value: Value

    /// The number, also where it is written as a text: `"-5.22dBm"`.
    var quantity: Quantity? {
      switch value {
      case .number(let number): Quantity(value: number, unit: "")
      case .word(let word): Quantity(word)
      }
    }
  }

  /// Payloads with more values are no telemetry of one device; what there is to say of them shows in fewer.
  private static let fields = 1024
  /// After so many payloads the decoder begins anew, so that keys which nobody uses twice don't gather.
  private static let renewAfter = 2000

  private var decoder: Decoder
  private var used = 0

  init() throws(DecoderSetupFault) { decoder = try PayloadReader.make() }

  private static func make() throws(DecoderSetupFault) -> Decoder {
    guard let all = try? TopicPattern("#") else { preconditionFailure("# is a pattern") }
    return try Decoder(
      sources: [SourceDefinition(name: "any", topic: all, format: "json")], timezone: "UTC",
      registry: Registry(limits: Registry.Limits(devices: 4, series: 200_000)), limits: DecodingLimits(fields: fields))
  }

  /// All values of a JSON document; `nil` where it is none.
  mutating func leaves(_ payload: [UInt8], at time: Timestamp) -> [Leaf]? {
    used += 1
    if used > PayloadReader.renewAfter, let fresh = try? PayloadReader.make() {
      decoder = fresh
      used = 0
    }
    let explanation = Array("x".utf8).withUnsafeBytes { topic in
      payload.withUnsafeBytes { decoder.explain(topic: topic, payload: $0, Reception(receivedAt: time)) }
    }
    if case .refused = explanation.outcome { return nil }
    return explanation.readings.compactMap { reading in
      guard let path = reading.path else { return nil }
      switch reading.observation.value {
      case .number(let number): return Leaf(path: path, value: .number(number))
      case .state(let word): return Leaf(path: path, value: .word(word))
      case .event: return nil
      }
    }
  }
}

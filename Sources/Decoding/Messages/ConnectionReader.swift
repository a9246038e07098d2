import Telemetry

/// A topic on which a device, or the broker in its place, says whether it is connected: its last will and its greeting,
/// as one word (`Connected`, `offline`), or as JSON with a member that says so.
final class ConnectionReader: TopicReader {
  private let itsDevice: Device
  private let otherwise: String

  /// - Parameter otherwise: why any other payload is refused.
  init(_ device: Device, otherwise: String) {
    itsDevice = device
    self.otherwise = otherwise
  }

  var device: Device? { itsDevice }
  var payloadDecidesDevice: Bool { false }

  private static let members: [StaticString] = [
    "connected", "online", "status", "state", "description", "availability",
  ]

  func read(_ payload: UnsafeRawBufferPointer, into message: Message) -> Decoder.Outcome {
    if payload.isEmpty { return .ignored("an empty payload: the topic was cleared") }
    let text = payload.trimmed
    var said: String?
    if text.first == UInt8(ascii: "{") {
      let root: JSONValue
      do throws(DecodingFault) { root = try message.json.parse(payload) } catch { return .refused(error) }
      for name in ConnectionReader.members {
        guard let value = root.member(name) else { continue }
        said = VendorValue(value, limits: message.limits).label.flatMap(ConnectionReader.state)
        if said != nil { break }
      }
    } else if text.count <= 32 {
      said = ConnectionReader.state(String(utf8: text))
    }
    guard let said else { return .refused(DecodingFault(payload: otherwise)) }
    message.emit(itsDevice, SharedMetrics.availability, said, message.received)
    return message.outcome(nothing: "")
  }

  private static func state(_ word: String) -> String? {
    switch word.lowercased() {
    // Said by the will as well as by a device that leaves: nobody can tell which.
    case "disconnected": "offline"
    default: StateWords.availability(word)
    }
  }
}

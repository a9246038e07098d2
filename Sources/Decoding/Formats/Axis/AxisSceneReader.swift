import Telemetry

/// A topic of an Axis camera that is not `…/event/…`: a last will and its greeting, events that someone has put there,
/// or the scene that its analytics publish, `{"frame": {"timestamp", "observations": [{"class": {"type"}}]}}`. Of a scene, the objects are
/// counted by class; where they are in the picture is left out.
final class AxisSceneReader: TopicReader {
  private let itsDevice: Device
  private let event: AxisReader
  private let connection: ConnectionReader

  init(_ device: Device, event: AxisReader, otherwise connection: ConnectionReader) {
    itsDevice = device
    self.event = event
    self.connection = connection
  }

  var device: Device? { itsDevice }
  var payloadDecidesDevice: Bool { false }

  func read(_ payload: UnsafeRawBufferPointer, into message: Message) -> Decoder.Outcome {
    guard payload.trimmed.first == UInt8(ascii: "{") else { return connection.read(payload, into: message) }
    let root: JSONValue
    do throws(DecodingFault) { root = try message.json.parse(payload) } catch { return .refused(error) }
    if root.member("message")?.kind == .object { return event.read(payload, into: message) }
    guard let frame = root.member("frame"), frame.kind == .object else {
      return connection.read(payload, into: message)
    }
    var moment = message.received
    if let stamp = frame.member("timestamp"), stamp.kind == .string, !stamp.text.isEmpty {
      if let time = ISOTime.parse(stamp.text.trimmed, zone: nil) {
        moment = message.moment(time)
      } else {
        message.fault(
          DecodingFault(path: "/frame/timestamp", "no date and time in ISO 8601", showing: stamp.text))
      }
    }
    var counts: [String: Double] = [:]
    for observation in frame.member("observations")?.elements ?? JSONValue.Elements(frame) {
      // One object has one class, or several, the likeliest first.
      guard let type = observation.member("class")?.member("type"), type.kind == .string, !type.text.isEmpty,
        let name = message.shortText(type.text, path: "/frame/observations")
      else { continue }
      counts[name.lowercased(), default: 0] += 1
    }
    for (name, count) in counts.sorted(by: { $0.key < $1.key }) {
      message.emit(itsDevice, SharedMetrics.objects, count, moment, labels: [Series.Label("object", name)])
    }
    return message.outcome(nothing: "a frame without objects that are classified")
  }
}

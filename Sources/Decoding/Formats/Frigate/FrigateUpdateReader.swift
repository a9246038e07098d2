import Telemetry

/// `tracked_object_update`: what Frigate found out about a tracked object afterwards. That something was found is taken;
/// what it is (a face's name, a number plate, a description) is about people, and is not.
final class FrigateUpdateReader: TopicReader {
  private let server: FrigateServer

  init(_ server: FrigateServer) { self.server = server }

  var device: Device? { nil }
  var payloadDecidesDevice: Bool { true }

  func read(_ payload: UnsafeRawBufferPointer, into message: Message) -> Decoder.Outcome {
    let root: JSONValue
    do throws(DecodingFault) { root = try message.json.parse(payload) } catch { return .refused(error) }
    guard let type = root.member("type"), type.kind == .string, !type.text.isEmpty,
      let word = message.shortText(type.text, path: "/type")
    else { return .refused(DecodingFault(path: "/type", "there is no type: description, face, lpr …")) }
    // A description names no camera.
    var device = server.device
    if let camera = root.member("camera"), camera.kind == .string, !camera.text.isEmpty,
      let name = message.shortText(camera.text, path: "/camera")
    {
      device = server.camera(name)
    }
    guard let device else {
      return .refused(DecodingFault(path: "/camera", "the limit of known devices is reached", limit: .devices))
    }
    let moment: Moment
    if let time = server.format.time {
      moment = message.moment(time.time(in: root, message))
    } else {
      moment = message.moment(root.member("timestamp")?.number.flatMap(Timestamp.init(seconds:)))
    }
    let labels = [Series.Label("type", word)]
    let id = root.member("id").flatMap { VendorValue($0, limits: message.limits).label }
    message.emit(
      device, FrigateMetrics.updates, event: 1, moment, labels: labels,
      attributes: id.map { [Series.Label("id", $0)] } ?? [])
    if let score = root.member("score"), score.kind != .null {
      if let number = score.number {
        message.emit(device, FrigateMetrics.updateScore, number, moment, labels: labels)
      } else {
        message.fault(DecodingFault(path: "/score", "\(score.kindName), not a number"))
      }
    }
    return message.outcome(nothing: "nothing to take from this update")
  }
}

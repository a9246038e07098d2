import Telemetry

/// `events` and `reviews`: what is true now stands under `after`, its key is `id`.
///
/// Only `new` counts as an event: updates and the end say the same id again.
final class FrigateEventReader: TopicReader {
  private let server: FrigateServer
  private let isReview: Bool

  init(_ server: FrigateServer, isReview: Bool) {
    self.server = server
    self.isReview = isReview
  }

  var device: Device? { nil }
  var payloadDecidesDevice: Bool { true }

  func read(_ payload: UnsafeRawBufferPointer, into message: Message) -> Decoder.Outcome {
    let root: JSONValue
    do throws(DecodingFault) { root = try message.json.parse(payload) } catch { return .refused(error) }
    guard let after = root.member("after"), after.kind == .object else {
      return .refused(DecodingFault(path: "/after", "there is no such object"))
    }
    guard let camera = after.member("camera"), camera.kind == .string, !camera.text.isEmpty,
      camera.text.count <= message.limits.textBytes
    else { return .refused(DecodingFault(path: "/after/camera", "there is no camera's name")) }
    guard let type = root.member("type"), type.kind == .string else {
      return .refused(DecodingFault(path: "/type", "there is no type: new, update or end"))
    }
    guard let device = server.camera(String(utf8: camera.text)) else {
      return .refused(DecodingFault(path: "/after/camera", "the limit of known devices is reached", limit: .devices))
    }
    let isNew = type.text.equals("new")
    let isEnd = type.text.equals("end")
    guard isNew || isEnd || type.text.equals("update") else {
      return .ignored("neither a new event, nor an update, nor an end")
    }
    if isReview {
      review(root, after, device, isNew: isNew, isEnd: isEnd, message)
    } else {
      event(root, after, device, isNew: isNew, isEnd: isEnd, message)
    }
    return message.outcome(nothing: "nothing to take from this event")
  }

  private func moment(_ root: JSONValue, _ claimed: Double?, _ message: Message) -> Moment {
    if let time = server.format.time { return message.moment(time.time(in: root, message)) }
    return message.moment(claimed.flatMap(Timestamp.init(seconds:)))
  }

  private func event(
    _ root: JSONValue, _ after: JSONValue, _ device: Device, isNew: Bool, isEnd: Bool, _ message: Message
  ) {
    let start = after.member("start_time")?.number
    let end = after.member("end_time")?.number
    let frame = after.member("frame_time")?.number
    let moment = moment(root, isEnd ? end ?? frame : frame ?? start, message)
    guard let label = after.member("label"), label.kind == .string,
      let object = message.shortText(label.text, path: "/after/label")
    else { return message.fault(DecodingFault(path: "/after/label", "there is no text")) }
    let labels = [Series.Label("object", object)]
    if isNew {
      message.emit(
        device, FrigateMetrics.detections, event: 1, moment, labels: labels,
        attributes: attributes(after, ["id"], message))
    }
    if let score = after.member("score"), score.kind != .null {
      if let number = score.number {
        message.emit(device, FrigateMetrics.detectionScore, number, moment, labels: labels)
      } else {
        message.fault(DecodingFault(path: "/after/score", "\(score.kindName), not a number"))
      }
    }
    if isEnd, let start, let end, end >= start {
      message.emit(device, FrigateMetrics.detectionDuration, end - start, moment, labels: labels)
    }
  }

  private func review(
    _ root: JSONValue, _ after: JSONValue, _ device: Device, isNew: Bool, isEnd: Bool, _ message: Message
  ) {
    // An update bears no time of its own.
    let claimed = isNew ? after.member("start_time")?.number : isEnd ? after.member("end_time")?.number : nil
    let moment = moment(root, claimed, message)
    if isNew {
      message.emit(
        device, FrigateMetrics.reviews, event: 1, moment,
        attributes: attributes(after, ["id", "severity"], message))
    }
    guard let severity = after.member("severity"), severity.kind == .string,
      let word = message.shortText(severity.text, path: "/after/severity")
    else { return message.fault(DecodingFault(path: "/after/severity", "there is no text")) }
    message.emit(device, FrigateMetrics.reviewSeverity, word.lowercased(), moment)
  }

  private func attributes(_ object: JSONValue, _ names: [StaticString], _ message: Message) -> [Series.Label] {
    names.compactMap { name in
      guard let value = object.member(name), value.kind == .string, !value.text.isEmpty else { return nil }
      return message.shortText(value.text, path: "/after/\(name)").map { Series.Label("\(name)", $0) }
    }
  }
}

import Telemetry

/// A topic of one word: `ON`, `online`, `3`.
final class FrigateStateReader: TopicReader {
  private let itsDevice: Device
  private let content: FrigateTopic.Content
  private let server: FrigateServer

  init(_ device: Device, _ content: FrigateTopic.Content, _ server: FrigateServer) {
    self.server = server
    itsDevice = device
    self.content = content
  }

  // The server's will is that of all its cameras.
  var device: Device? { content == .available ? nil : itsDevice }
  var payloadDecidesDevice: Bool { content == .available }

  func read(_ payload: UnsafeRawBufferPointer, into message: Message) -> Decoder.Outcome {
    if payload.isEmpty { return .ignored("an empty payload: the topic was cleared") }
    if let content = BinaryContent.describe(payload) { return .ignored(content) }
    if let invalid = UTF8Check.firstInvalid(payload) { return .refused(DecodingFault(byte: invalid, "invalid UTF-8")) }
    let trimmed = payload.trimmed
    guard trimmed.count <= 64 else {
      return .refused(DecodingFault(byte: 64, "a payload of \(payload.count) bytes is no word and no number"))
    }
    take(trimmed, String(utf8: trimmed), message)
    return message.outcome(nothing: "the payload says nothing")
  }

  private func take(_ bytes: UnsafeRawBufferPointer, _ word: String, _ message: Message) {
    let number = NumberText(bytes).flatMap { $0.suffix.isEmpty ? $0.value : nil }
    func emit(_ entry: CatalogueEntry, number: Double?, labels: [Series.Label] = []) {
      guard let number else { return message.fault(DecodingFault(path: "", "is no number", showing: bytes)) }
      message.emit(itsDevice, entry, number, message.received, labels: labels)
    }
    func emit(_ entry: CatalogueEntry, flagLabelled labels: [Series.Label] = []) {
      guard let flag = StateWords.boolean(word) else {
        return message.fault(DecodingFault(path: "", "is neither ON nor OFF", showing: bytes))
      }
      message.emit(itsDevice, entry, flag ? "true" : "false", message.received, labels: labels)
    }
    func emit(_ entry: CatalogueEntry, state: String?, labels: [Series.Label] = []) {
      guard let state else { return message.fault(DecodingFault(path: "", "is no state known", showing: bytes)) }
      message.emit(itsDevice, entry, state, message.received, labels: labels)
    }
    switch content {
    case .available:
      let state = FrigateStateReader.availability(word)
      emit(SharedMetrics.availability, state: state)
      for camera in server.children {
        if let state { message.emit(camera, SharedMetrics.availability, state, message.received) }
      }
    case .status(let role):
      emit(
        SharedMetrics.availability, state: FrigateStateReader.availability(word),
        labels: [Series.Label("role", role)])
    case .motion: emit(SharedMetrics.motion)
    case .reviewStatus:
      let status = word.lowercased()
      emit(
        FrigateMetrics.reviewStatus, state: ["none", "detection", "alert"].contains(status) ? status : nil)
    case .audioRMS: emit(FrigateMetrics.audioRMS, number: number)
    case .audioLevel: emit(FrigateMetrics.audioLevel, number: number)
    case .objects(let object): emit(FrigateMetrics.objects, number: number, labels: [Series.Label("object", object)])
    case .activeObjects(let object):
      emit(FrigateMetrics.activeObjects, number: number, labels: [Series.Label("object", object)])
    case .sound(let sound): emit(FrigateMetrics.audioHeard, flagLabelled: [Series.Label("sound", sound)])
    case .setting("recordings"): emit(SharedMetrics.recording)
    case .setting("detect"): emit(FrigateMetrics.detectionEnabled)
    case .setting(let name):
      let label = [Series.Label("setting", name)]
      if let number {
        emit(FrigateMetrics.settingValue, number: number, labels: label)
      } else {
        let flag = StateWords.boolean(word).map { $0 ? "true" : "false" }
        emit(FrigateMetrics.setting, state: flag ?? word.lowercased(), labels: label)
      }
    case .events, .reviews, .stats, .updates, .nothing: break
    }
  }

  /// `stopped` is a clean exit, `offline` the last will.
  private static func availability(_ word: String) -> String? {
    switch word.lowercased() {
    case "online": "online"
    case "stopped", "disabled": "stopped"
    case "offline": "offline"
    default: nil
    }
  }
}

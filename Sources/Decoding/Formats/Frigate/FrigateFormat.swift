import Telemetry

/// `format = "frigate"`: the topics of Frigate NVR, 0.8 to present.
final class FrigateFormat: JSONSourceFormat {
  let naming: Naming
  let time: TimeReader?
  private let prefixLevels: Int?

  init(_ setup: SourceSetup) throws(DecoderSetupFault) {
    naming = setup.naming(BuiltInFormat.frigate.defaultClass)
    time = try setup.timeReader()
    prefixLevels = FrigateTopic.prefixLevels(of: setup.source.topic)
  }

  func reader(for topic: RoutedTopic, _ message: Message) -> any TopicReader {
    let parts = FrigateTopic(topic, prefixLevels: prefixLevels)
    if case .nothing(let why) = parts.content { return SilentReader(ignoring: why) }
    let server = FrigateServer(
      format: self, captures: topic.captures, prefix: parts.prefix, message.memory)
    switch parts.content {
    case .events: return FrigateEventReader(server, isReview: false)
    case .reviews: return FrigateEventReader(server, isReview: true)
    case .stats: return FrigateStatsReader(server)
    case .updates: return FrigateUpdateReader(server)
    default:
      let device = parts.camera.map(server.camera) ?? server.device
      guard let device else { return SilentReader.deviceLimit }
      return FrigateStateReader(device, parts.content, server)
    }
  }
}

/// One Frigate, by its topic prefix, and the cameras behind it.
final class FrigateServer {
  let format: FrigateFormat
  private let captures: [String: String]
  private let prefix: String
  private var cameras: [String: Device] = [:]
  private let memory: DecoderMemory
  private let scope: String

  init(format: FrigateFormat, captures: [String: String], prefix: String, _ memory: DecoderMemory) {
    self.memory = memory
    scope = DecoderMemory.bridgeScope(prefix)
    self.format = format
    self.captures = captures
    self.prefix = prefix
  }

  private(set) lazy var device: Device? = format.naming.device(
    captures, default: prefix.isEmpty ? "frigate" : prefix, extra: ["prefix": prefix], class: .other)

  func camera(_ name: String) -> Device? {
    if let known = cameras[name] { return known }
    var all = captures
    if all["prefix"] == nil { all["prefix"] = prefix }
    let made = format.naming.device(all, behind: prefix, key: "camera", name)
    cameras[name] = made
    if let made { memory.place(made, behind: scope) }
    return made
  }

  /// Cameras that were heard of until now: the server's will is theirs, too.
  var children: [Device] { memory.children(scope).filter { $0 !== device } }
}

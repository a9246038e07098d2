import Telemetry

/// The device that a topic names when the source doesn't, for formats whose topics have a place for it.
struct DefaultName {
  private let format: BuiltInFormat
  private let frigatePrefix: Int?

  init(_ format: BuiltInFormat, source: SourceDefinition) {
    self.format = format
    frigatePrefix = FrigateTopic.prefixLevels(of: source.topic)
  }

  /// The captures are those that the format adds to the topic's.
  func of(_ topic: RoutedTopic) -> (device: String, captures: [String: String]) {
    switch format {
    case .tasmota:
      let parts = TasmotaTopic(topic)
      return (parts.device, ["device": parts.device])
    case .onvif:
      let prefix = ONVIFTopic(topic)?.prefix ?? topic.text
      return (prefix, ["prefix": prefix])
    case .axis:
      let serial = AxisTopic(topic)?.serial ?? topic.text
      return (serial, ["serial": serial])
    case .frigate:
      let parts = FrigateTopic(topic, prefixLevels: frigatePrefix)
      var captures = ["prefix": parts.prefix]
      if let camera = parts.camera { captures["camera"] = camera }
      return ([parts.prefix, parts.camera].compactMap { $0 }.joined(separator: "/"), captures)
    default: return (topic.text, [:])
    }
  }
}

import Telemetry

/// A receiver's wish for raw messages of some devices and a span of time.
///
/// In an answer to a batch: `{"backfill":[{"id":"r-17","device":"sman1/*","from":"…","to":"…"}]}`; in a command by MQTT
/// the same. The id is the receiver's: a request that was repeated is served once.
public struct BackfillRequest: Sendable, Equatable {
  public var destination: String
  public var id: String
  /// `*` and `?` stand for any characters, and any one.
  public var device: String
  public var from: Timestamp
  public var to: Timestamp

  /// Requests that one answer may hold.
  static let most = 16

  public init(destination: String, id: String, device: String, from: Timestamp, to: Timestamp) {
    self.destination = destination
    self.id = id
    self.device = device
    self.from = from
    self.to = to
  }

  /// What an answer or a command asks for. Whatever can't be read asks for nothing.
  static func read(_ bytes: [UInt8], for destination: String) -> [BackfillRequest] {
    guard bytes.contains(UInt8(ascii: "{")), let elements = (try? JSONTree(bytes))?["backfill"]?.elements else {
      return []
    }
    return elements.prefix(most).compactMap { element in
      guard let id = element["id"]?.text, (1...128).contains(id.utf8.count), let device = element["device"]?.text,
        (1...256).contains(device.utf8.count), let from = element["from"]?.text.flatMap({ RFC3339.parse($0) }),
        let to = element["to"]?.text.flatMap({ RFC3339.parse($0) }), from < to
      else { return nil }
      return BackfillRequest(destination: destination, id: id, device: device, from: from, to: to)
    }
  }
}

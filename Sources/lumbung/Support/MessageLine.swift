import Journal
import Telemetry

/// A raw message as a line.
enum MessageLine {
  static let csvHeader = "segment,received,topic,qos,retain,synchronised,payload,payload_base64"

  static func json(_ message: StoredMessage, _ segment: Segment) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { json in
      json.field("segment", segment.id)
      json.field("received", message.receivedAt)
      json.field("topic", String(decoding: message.topic, as: UTF8.self))
      if let text = text(message.payload) {
        json.field("payload", text)
      } else {
        json.field("payload_base64", Base64Text.encode(Array(message.payload)))
      }
      json.field("qos", Int(message.qos))
      json.field("retain", message.retained)
      json.field("synchronised", segment.clock.synchronised)
      json.field("boot", segment.clock.boot)
    }
    return writer.bytes
  }

  static func csv(_ message: StoredMessage, _ segment: Segment) -> [UInt8] {
    let text = text(message.payload)
    let columns = [
      String(segment.id), RFC3339.format(message.receivedAt), quoted(String(decoding: message.topic, as: UTF8.self)),
      String(message.qos), String(message.retained), String(segment.clock.synchronised), quoted(text ?? ""),
      text == nil ? Base64Text.encode(Array(message.payload)) : "",
    ]
    return Array(columns.joined(separator: ",").utf8)
  }

  private static func text(_ payload: UnsafeRawBufferPointer) -> String? { String(validating: payload, as: UTF8.self) }

  /// As RFC 4180 has it.
  private static func quoted(_ text: String) -> String {
    guard text.utf8.contains(where: { "\",\n\r".utf8.contains($0) }) else { return text }
    return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }
}

import Journal
import Telemetry

/// What a journal holds, read back through its own reader.
struct JournalView {
  /// Each segment's messages as a digest; `nil` where it is damaged.
  private(set) var segments: [Int64: Int?] = [:]
  let newestID: Int64
  let uuid: String

  init(folder: String) throws {
    try self.init(JournalReader.owner(path: folder + "/journal.db"))
  }

  init(_ reader: JournalReader) throws {
    uuid = reader.uuid
    newestID = reader.newestID
    var after: Int64 = 0
    while true {
      let items = try reader.segments(after: after)
      if items.isEmpty { break }
      for item in items {
        after = item.id
        switch item {
        case .damaged(let id, _): segments[id] = .some(nil)
        case .segment(let segment):
          var messages: [Script.Message] = []
          segment.forEach { message in
            messages.append(
              Script.Message(
                topic: String(decoding: message.topic, as: UTF8.self), payload: Array(message.payload),
                packetID: message.packetID, receivedAt: message.receivedAt))
          }
          segments[segment.id] = JournalView.digest(messages, segment.clock.wall)
        }
      }
    }
  }

  static func digest(_ messages: [Script.Message], _ wall: Timestamp) -> Int {
    var hasher = Hasher()
    hasher.combine(messages)
    hasher.combine(wall)
    return hasher.finalize()
  }
}

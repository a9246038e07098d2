import FoundationEssentials
import Telemetry

extension StatusReport {
  /// The body of `/api/status`.
  public var json: [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Nothing in a report can fail to encode: texts, whole numbers, and doubles that are finite.
    return (try? encoder.encode(self)).map(Array.init) ?? Array("{}".utf8)
  }

  public init(json: [UInt8]) throws {
    self = try JSONDecoder().decode(StatusReport.self, from: Data(json))
  }

  /// What goes to the central servers now and then, in the `status` lane.
  var record: [UInt8] {
    var writer = JSONWriter()
    writer.object { json in
      json.field("type", "status")
      json.field("time", now)
      json.field("version", version)
      json.field("started", started)
      json.field("clock_synchronised", clock_synchronised)
      json.field("backlog_records", uplinks.map(\.pending_records).max() ?? 0)
      json.field("devices", derive.devices)
      json.field("messages", derive.messages)
      json.field("quarantined", derive.quarantined)
      json.field("store_bytes", store.bytes)
      json.field("store_max_bytes", store.max_bytes)
      json.field("dropped_records", store.dropped_records)
      json.field("dead_letters", store.dead_letters)
      if let dropped = broker.dropped_by_broker { json.field("dropped_by_broker", dropped) }
    }
    return writer.bytes
  }
}

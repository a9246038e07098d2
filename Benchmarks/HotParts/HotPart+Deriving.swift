import Decoding
import Derive
import Journal
import Outbox
import Settings
import Telemetry
import Windows

extension HotPart {
  /// From the journal to sealed batches in the outbox, with everything in between, over whole windows.
  static var deriving: [HotPart] {
    [
      // So many windows that each has as many messages in all.
      HotPart("derive, 500 devices", per: "message", count: 10_000) { try $0.derive(devices: 500, windows: 10) },
      HotPart("derive, 5,000 devices", per: "message", count: 10_000) { try $0.derive(devices: 5000, windows: 1) },
    ]
  }

  /// As many devices as the largest box is meant for; takes a minute under callgrind.
  public static var manyDevices: HotPart {
    HotPart("derive, 50,000 devices", per: "message", count: 100_000) { try $0.derive(devices: 50_000, windows: 1) }
  }
}

extension Workplace {
  /// Plain reports of cameras, 175 bytes with their topic, two of each device a window.
  fileprivate func derive(devices: Int, windows: Int) throws -> () throws -> Void {
    var options = JournalWriter.Options()
    options.synchronous = "OFF"
    let writer = try JournalWriter(path: path("derive-\(devices).db"), options: options)
    let outboxPath = path("derive-\(devices)-outbox.db")
    let outbox = try Outbox(
      Outbox.Options(
        path: outboxPath, gateway: "bench", epoch: writer.uuid, destinations: [.init(name: "central")],
        extraSchema: Deriver.schema, synchronous: "OFF"))
    let deriver = try Deriver(
      settings: DeriveSettings(
        gateway: "bench", windows: WindowSettings(length: .minutes(1)), trustsClock: true, timezone: "UTC"),
      sources: settings.sources, rules: settings.alarms, journal: JournalReader(path: writer.path), outbox: outbox,
      outboxPath: outboxPath)
    // The first window makes all devices known, and the second's first segment seals it.
    for window in 0...1 { try write(window, devices, writer) }
    while try !deriver.turn(now: .seconds(1)) {}
    for window in 2...windows + 1 { try write(window, devices, writer) }
    return {
      while try !deriver.turn(now: .seconds(1)) {}
      try deriver.finish()
    }
  }

  /// A window in as many segments as a turn takes: each turn seals and commits one, as it is with messages that arrive.
  private func write(_ window: Int, _ devices: Int, _ writer: JournalWriter) throws {
    let most = (2 * devices + Deriver.segmentsPerTurn - 1) / Deriver.segmentsPerTurn
    var builder = SegmentBuilder()
    let start = Corpus.fixedStart + .minutes(Int64(window))
    func commit(_ at: Timestamp) throws {
      try writer.append(
        builder, clock: ClockReading(wall: at, boot: "bench", sinceBoot: .seconds(1), synchronised: true))
      builder.removeAll()
    }
    for round in 0..<2 {
      for device in 0..<devices {
        let time = start + .seconds(Int64(15 + 30 * round)) + .milliseconds(Int64(device / 5))
        let topic = "school/sman-\(device / 4)/cctv/cctv-\(device % 4)/telemetry"
        let payload =
          "{\"ts\":\(time.milliseconds),\"fps\":\(24 + device % 2).\(window % 10),\"bitrate\":\(2000 + device % 700),"
          + "\"temp\":\(40 + device % 9).5,\"uptime\":\(86_400 + window * 60),\"frames\":\(2_000_000 + window * 1500),"
          + "\"recording\":true,\"status\":\"online\",\"n\":\(window * 2 + round)}"
        Array(topic.utf8).withUnsafeBytes { topic in
          Array(payload.utf8).withUnsafeBytes { payload in
            builder.append(
              topic: topic, payload: payload, packetID: UInt16(truncatingIfNeeded: device), qos: 1, retained: false,
              receivedAt: time)
          }
        }
        if builder.count == most { try commit(time) }
      }
    }
    if !builder.isEmpty { try commit(start + .seconds(59)) }
  }
}

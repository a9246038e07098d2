import Telemetry

extension GatewaySettings {
  /// `nil` where there is no identity; other faults are told and leave a default in their place.
  init?(reading root: TableReader, knownFormats: [String], profiles: ProfileShelf) {
    let gateway = root.table("gateway", title: "[gateway]")
    gateway.require("id", example: "\"oki-kayuagung-01\"")
    let id = GatewaySettings.identity(gateway)
    let timezone = gateway.zone("timezone")
    let labels = GatewaySettings.labels(gateway.table("labels", title: "[gateway.labels]"))
    gateway.finish()

    let broker = BrokerSettings(reading: root.table("broker", title: "[broker]"), gatewayID: id ?? "")
    let store = StoreSettings(reading: root.table("store", title: "[store]"))
    let summary = SummarySettings(reading: root.table("summary", title: "[summary]"))

    let time = root.table("time", title: "[time]")
    let trust = time.choice("trust", ClockTrust.self)
    time.finish()
    let limits = LimitSettings(reading: root.table("limits", title: "[limits]"))

    var names: [String: Int?] = [:]
    let profileReader = ProfileReader(profiles)
    let sources = root.tables("source", title: "[[source]]").compactMap {
      SourceDefinition(reading: $0, names: &names, knownFormats: knownFormats, profiles: profileReader)
    }
    root.collector.adopt(profileReader.faults)
    names = [:]
    let alarms = root.tables("alarm", title: "[[alarm]]").compactMap { AlarmRule(reading: $0, names: &names) }
    let rollups = root.tables("rollup", title: "[[rollup]]").compactMap {
      RollupRule(reading: $0, labels: Set(sources.flatMap(\.labels.keys)))
    }
    names = [:]
    let uplinks = root.tables("uplink", title: "[[uplink]]").compactMap {
      UplinkDefinition(reading: $0, names: &names)
    }

    let admin = AdminSettings(reading: root.table("admin", title: "[admin]"))
    let log = root.table("log", title: "[log]")
    let level = log.choice("level", LogLevel.self)
    log.finish()
    root.finish()

    guard let id else { return nil }
    self.init(
      gatewayID: id, timezone: timezone ?? "UTC", labels: labels, broker: broker, store: store, summary: summary,
      trust: trust ?? .kernel, limits: limits, sources: sources, alarms: alarms, rollups: rollups, uplinks: uplinks,
      admin: admin, logLevel: level ?? .info)
  }

  private static func identity(_ gateway: TableReader) -> String? {
    guard let id = gateway.string("id", example: "oki-kayuagung-01") else { return nil }
    guard (1...64).contains(id.utf8.count), id.utf8.allSatisfy(isIdentityByte) else {
      let lowered = id.lowercased().map { $0 == " " || $0 == "_" || $0 == "." || $0 == "/" ? "-" : $0 }
      let meant = String(lowered)
      let usable = !meant.isEmpty && meant.utf8.count <= 64 && meant.utf8.allSatisfy(isIdentityByte)
      gateway.fault(
        "`id` in [gateway]: \(quoted(id)) must be 1 to 64 of a-z, 0-9 and -", at: "id",
        hint: usable ? "for example id = \(quoted(meant))" : "for example id = \"oki-kayuagung-01\"")
      return nil
    }
    return id
  }

  private static func isIdentityByte(_ byte: UInt8) -> Bool {
    byte &- 48 < 10 || byte &- 97 < 26 || byte == UInt8(ascii: "-")
  }

  private static func labels(_ table: TableReader) -> [String: String] {
    // They travel with what is sent: a handful of words, no data.
    if table.keys.count > 32 { table.fault("more than 32 labels", hint: "labels are for a few words about the place") }
    var labels: [String: String] = [:]
    for key in table.keys {
      labels[key] = table.text(key, example: "Ogan Komering Ilir", longest: 256)
    }
    return labels
  }
}

import Settings
import Telemetry

/// What of a new configuration takes effect at once, and what waits for a restart. A value without I/O.
struct ReloadPlan: Sendable, Equatable {
  /// The new settings, with the old values of all that needs a restart.
  let applied: GatewaySettings
  /// What changed and needs a restart, as the file names it.
  let needsRestart: [String]
  /// Sources, rules, windows, clocks or limits: what is derived from now on.
  let changesDeriving: Bool
  /// The topics that the broker is asked for.
  let changesTopics: Bool
  let changesUplinks: Bool
  /// What hours and months are, for all uplinks.
  let changesCalendar: Bool
  /// How much the store may hold, and how long.
  let changesRoom: Bool
  let changesLogLevel: Bool

  init(from old: GatewaySettings, to new: GatewaySettings) {
    var applied = new
    var restart: [String] = []
    /// Keeps the old value where it differs.
    func keep<Value: Equatable>(_ name: String, _ path: WritableKeyPath<GatewaySettings, Value>) {
      guard old[keyPath: path] != new[keyPath: path] else { return }
      applied[keyPath: path] = old[keyPath: path]
      restart.append(name)
    }
    keep("gateway.id", \.gatewayID)
    keep("[broker]", \.broker)
    keep("store.path", \.store.path)
    keep("store.commit_interval", \.store.commitInterval)
    keep("store.commit_messages", \.store.commitMessages)
    keep("[admin]", \.admin)
    self.applied = applied
    needsRestart = restart
    changesDeriving =
      old.sources != applied.sources || old.alarms != applied.alarms || old.summary != applied.summary
      || old.trust != applied.trust || old.timezone != applied.timezone || old.limits != applied.limits
      || old.store.rawRetention != applied.store.rawRetention || old.labels != applied.labels
      || old.rollups != applied.rollups
    changesTopics = ReloadPlan.topics(old) != ReloadPlan.topics(applied)
    changesCalendar = old.timezone != applied.timezone || old.trust != applied.trust
    changesUplinks = old.uplinks != applied.uplinks || changesCalendar
    changesRoom = old.store.maxSize != applied.store.maxSize || old.store.rawRetention != applied.store.rawRetention
    changesLogLevel = old.logLevel != applied.logLevel
  }

  /// Filters that don't overlap, for all sources.
  static func topics(_ settings: GatewaySettings) -> [String] {
    TopicCover.cover(settings.sources.map(\.topic.filter)).map(\.description)
  }

  /// For people: what was applied, and what was not.
  var summary: String {
    var done: [String] = []
    if changesDeriving { done.append("sources, rules and windows") }
    if changesTopics { done.append("the broker's subscriptions") }
    if changesUplinks { done.append("uplinks") }
    if changesRoom { done.append("the store's limits") }
    if changesLogLevel { done.append("the log level") }
    var text = done.isEmpty ? "nothing to apply" : "applied: \(done.joined(separator: ", "))"
    if !needsRestart.isEmpty {
      text += "; waiting for a restart (systemctl restart lumbung): \(needsRestart.joined(separator: ", "))"
    }
    return text
  }
}

import Telemetry

/// What a topic under Frigate's prefix is about.
struct FrigateTopic {
  enum Content: Equatable {
    case events, reviews, stats, updates, available
    case motion, reviewStatus, audioRMS, audioLevel
    case status(role: String)
    case setting(String)
    case objects(String)
    case activeObjects(String)
    case sound(String)
    case nothing(String)
  }

  let prefix: String
  /// The camera, where the topic names one. Zones stand in the same place, and can't be told apart.
  let camera: String?
  let content: Content

  private static let serverTopics: Set<String> = [
    "events", "reviews", "stats", "available", "restart", "onConnect", "camera_activity", "tracked_object_update",
    "triggers", "job_state", "model_state", "profile", "notifications",
  ]

  /// How many levels the prefix has: those before `{camera}` or before the capture or wildcard for the rest.
  /// `nil` where the pattern doesn't tell.
  static func prefixLevels(of pattern: TopicPattern) -> Int? {
    let levels = pattern.description.split(separator: "/", omittingEmptySubsequences: false)
    let index = levels.firstIndex { level in
      level == "#" || level == "{camera}" || level == "{cam}" || level.hasSuffix("...}")
    }
    return index == 0 ? nil : index
  }

  init(_ topic: RoutedTopic, prefixLevels: Int?) {
    let levels = topic.levels
    let count = min(prefixLevels ?? FrigateTopic.guessedPrefix(levels), levels.count)
    prefix = levels[..<count].joined(separator: "/")
    let rest = Array(levels[count...])
    let isServers = rest.count == 1 || rest.first.map(FrigateTopic.serverTopics.contains) ?? true
    camera = isServers ? nil : rest[0]
    content = isServers ? FrigateTopic.server(rest) : FrigateTopic.camera(Array(rest.dropFirst()))
  }

  private static func guessedPrefix(_ levels: [String]) -> Int {
    let count = levels.count
    guard let last = levels.last, !serverTopics.contains(last), count >= 2 else { return max(count - 1, 0) }
    let before = levels[count - 2]
    let hasThree =
      ["state", "set", "snapshot", "active", "suspend"].contains(last) || ["status", "audio"].contains(before)
    return max(count - (hasThree ? 3 : 2), 0)
  }

  private static func server(_ rest: [String]) -> Content {
    if rest.last == "set" || rest.last == "suspend" { return .nothing("a command") }
    guard rest.count == 1 else { return .nothing("a topic without readings") }
    switch rest[0] {
    case "events": return .events
    case "reviews": return .reviews
    case "stats": return .stats
    case "tracked_object_update": return .updates
    case "available": return .available
    case "restart", "onConnect": return .nothing("a command")
    case "camera_activity": return .nothing("says again what the cameras' own topics say")
    default: return .nothing("a topic without readings")
    }
  }

  private static func camera(_ rest: [String]) -> Content {
    if rest.count == 1 {
      switch rest[0] {
      case "motion": return .motion
      case "review_status": return .reviewStatus
      case "ptz", "restart": return .nothing("a command")
      default: return .objects(rest[0])
      }
    }
    guard rest.count == 2 else { return .nothing("a topic without readings") }
    switch (rest[0], rest[1]) {
    case (_, "set"), ("notifications", "suspend"): return .nothing("a command")
    case (_, "snapshot"): return .nothing("a snapshot image")
    case ("status", let role): return .status(role: role)
    case ("audio", "rms"): return .audioRMS
    case ("audio", "dBFS"): return .audioLevel
    case (let feature, "state"): return .setting(feature)
    case ("audio", "transcription"), ("classification", _), ("notifications", _), ("ptz_autotracker", "active"):
      return .nothing("a topic without readings")
    case ("audio", let sound): return .sound(sound)
    case (let object, "active"): return .activeObjects(object)
    default: return .nothing("a topic without readings")
    }
  }
}

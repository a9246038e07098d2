/// Words by which devices say on and off, there and gone.
enum StateWords {
  /// `true`, `false`, or `nil` where the word is neither. Without regard to case.
  static func boolean(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "on", "true", "yes", "1", "active", "open", "enabled": true
    case "off", "false", "no", "0", "inactive", "closed", "disabled", "none", "": false
    default: nil
    }
  }

  /// One spelling for words that differ in case from device to device; other texts stay as they are.
  static func folded(_ text: String) -> String {
    let lower = text.lowercased()
    return foldable.contains(lower) ? lower : text
  }

  private static let foldable: Set<String> = [
    "on", "off", "true", "false", "yes", "no", "open", "closed", "online", "offline", "active", "inactive",
    "enabled", "disabled", "up", "down", "unknown",
  ]

  /// The words of a last will and its kin, as a state of `availability`; `nil` where the text is none of them.
  static func availability(_ text: String) -> String? {
    switch text.lowercased() {
    case "online", "connected", "ready", "up", "alive", "available", "true", "1", "on", "yes": "online"
    case "degraded", "alert", "sleeping": "degraded"
    case "stopped", "disconnected", "disabled": "stopped"
    case "offline", "lost", "down", "dead", "unavailable", "false", "0", "off", "no", "connection lost",
      "connectionlost", "lost connection", "disconnected unexpectedly":
      "offline"
    case "unknown", "init": "unknown"
    default: nil
    }
  }

  /// Last levels of topics that carry an availability and nothing else, where the word is one.
  static let availabilityTopics: Set<String> = [
    "lwt", "online", "available", "availability", "status", "connected", "connection", "$state", "$online",
  ]
}

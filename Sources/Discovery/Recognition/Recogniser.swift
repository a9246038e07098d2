/// Tells by a topic and what its payloads look like which format they have. A format that spreads over many topics is
/// told by those that nothing else has.
enum Recogniser {
  /// `nil` where nothing but the payload's own form is known.
  static func mark(_ topic: HeardTopic, _ facts: TopicFacts) -> Mark? {
    let levels = topic.levels
    return byTopic(levels, facts) ?? byPayload(levels, facts)
  }

  // MARK: - By what only one format's topics have

  private static func byTopic(_ levels: [String], _ facts: TopicFacts) -> Mark? {
    if let at = levels.firstIndex(of: "spBv1.0") {
      return Mark("sparkplug", head: levels[..<at], .through(["spBv1.0"]), "the level spBv1.0")
    }
    if let at = levels.firstIndex(where: { $0 == "onvif-ej" || $0 == "onvif-mj" }) {
      return Mark("onvif", head: levels[..<at], .through([levels[at]]), "the level \(levels[at])")
    }
    guard levels.count > 1, let last = levels.last else { return nil }
    let before = levels[levels.count - 2]
    if tasmotaKinds.contains(last), levels.dropLast().contains(where: tasmotaPrefixes.contains) {
      return Mark("tasmota", head: levels.dropLast(), .kinds, "topics such as …/\(last)")
    }
    if fppDocuments.contains(last) { return beneath("profile:fpp", levels, 2, "the document \(last)") }
    if before == "bridge", last == "state" || last == "info", levels.count > 2 {
      return beneath("profile:zigbee2mqtt", levels, 2, "the topic bridge/\(last)")
    }
    if last == "$homie" || last == "$state" || last == "$nodes" {
      // Version 5 has its number behind the root.
      let root = levels.firstIndex(of: "homie").map { $0 + 1 } ?? levels.count - 2
      return root > 0 ? Mark("profile:homie", head: levels[..<root], .beneath, "the topic \(last)") : nil
    }
    if last == "$online" { return beneath("profile:dahua-cameraevents", levels, 1, "the topic $online") }
    if dahuaEvents.contains(before), facts.form == .word {
      return beneath("profile:dahua-cameraevents", levels, 2, "the event \(before)")
    }
    if nutVariables.contains(last) { return beneath("profile:nut", levels, 2, "the variable \(last)") }
    return nil
  }

  private static let tasmotaKinds: Set<String> = [
    "SENSOR", "STATE", "LWT", "STATUS8", "STATUS10", "STATUS11", "RESULT",
  ]
  static let tasmotaPrefixes: Set<String> = ["tele", "stat"]
  private static let fppDocuments: Set<String> = ["fppd_status", "port_status", "playlist_details"]
  private static let nutVariables: Set<String> = [
    "ups.status", "battery.charge", "battery.runtime", "battery.voltage", "input.voltage", "output.voltage", "ups.load",
  ]
  private static let dahuaEvents: Set<String> = [
    "VideoMotion", "VideoLoss", "VideoBlind", "CrossLineDetection", "CrossRegionDetection", "FaceDetection",
    "SmartMotionHuman", "SmartMotionVehicle", "StorageFailure", "StorageNotExist",
  ]

  // MARK: - By what is in the payloads

  private static func byPayload(_ levels: [String], _ facts: TopicFacts) -> Mark? {
    switch facts.form {
    case .document: byDocument(levels, facts)
    case .influx: telegraf(levels, "influx line protocol")
    case .markup: byMarkup(levels, facts)
    case .number, .word, .text, .binary, .nothing: byVendor(levels)
    }
  }

  private static func byDocument(_ levels: [String], _ facts: TopicFacts) -> Mark? {
    let last = levels.last ?? ""
    let before = levels.count > 1 ? levels[levels.count - 2] : ""
    if facts.has(beneath: "/message/data") || facts.has("/message/data"), facts.has("/topic"),
      let at = levels.firstIndex(of: "event"), at > 0
    {
      return Mark("axis", head: levels[..<(at - 1)], .through(["", "event"]), "topic, timestamp and message in it")
    }
    if last == "stats", facts.has(beneath: "/service"), facts.has("/detection_fps") || facts.has(beneath: "/cameras") {
      return beneath("frigate", levels, 1, "statistics of cameras and a service")
    }
    if last == "events" || last == "reviews", facts.has("/type"), facts.has(beneath: "/after") {
      return beneath("frigate", levels, 1, "before, after and type in \(last)")
    }
    if facts.has(beneath: "/fields"), facts.has("/name") || facts.has(beneath: "/tags"), facts.has("/timestamp") {
      return telegraf(levels, "fields, tags and timestamp in it")
    }
    if facts.has(beneath: "/metrics/0/fields") { return telegraf(levels, "a list of metrics with fields") }
    if isSenML(facts) { return Mark("senml", head: levels, .alike, "records of RFC 8428") }
    if facts.has("/method"), facts.has("/src"), before == "events", last == "rpc" {
      return shelly(levels, 2, "notifications in events/rpc")
    }
    if before == "status", shellyComponents.contains(last.prefix { $0 != ":" }), last.contains(":") || facts.has("/id")
    {
      return shelly(levels, 2, "the component \(last)")
    }
    if before == "status", facts.has("/CPU_average") || facts.has("/Uptime_Hours") {
      return beneath("profile:axis-dataq", levels, 2, "CPU_average in status")
    }
    if before == "occupancy", facts.has(beneath: "/occupancy") {
      return beneath("profile:axis-dataq", levels, 2, "the topic occupancy")
    }
    if last == "Event", facts.has("/Action") || facts.has("/Code"),
      facts.has("/serialNumber") || facts.has("/deviceType")
    {
      return beneath("profile:dahua-vto", levels, 2, "Action and serialNumber in …/Event")
    }
    if facts.has("/eventType") && facts.has("/eventState") || facts.has(beneath: "/EventNotificationAlert") {
      return Mark("profile:hikvision", head: levels, .alike, "eventType and eventState in it")
    }
    if levels.count > 1, facts.has("/sfp-rx-power") || facts.has("/rxpower") && facts.has("/txpower") {
      return Mark("profile:routeros-sfp", head: levels, .alike, "readings of an SFP module")
    }
    if levels.count > 1, let type = facts.words["/eventtype"], type.hasPrefix("event_") {
      return beneath("profile:zoneminder", levels, 1, "eventtype \(type)")
    }
    if levels.count > 1,
      ["/upsstatus", "/ups.status", "/batterycharge", "/battery.charge"].contains(where: { facts.has($0) })
    {
      return beneath("profile:nut", levels, 1, "variables of Network UPS Tools")
    }
    return nil
  }

  private static let shellyComponents: Set<Substring> = [
    "switch", "input", "cover", "light", "em", "em1", "emdata", "em1data", "pm1", "temperature", "humidity",
    "voltmeter",
    "devicepower", "smoke", "sys", "wifi", "cloud", "mqtt", "ble",
  ]

  private static func byMarkup(_ levels: [String], _ facts: TopicFacts) -> Mark? {
    if facts.head.contains("<EventNotificationAlert") {
      return Mark("profile:hikvision", head: levels, .alike, "an EventNotificationAlert")
    }
    if levels.last == "v", facts.head.contains("<vs>") {
      return beneath("profile:wled", levels, 2, "the state of WLED in …/v")
    }
    return nil
  }

  /// Raw optical power: only words in the topic tell whose, and so what the number means.
  private static func byVendor(_ levels: [String]) -> Mark? {
    guard levels.count > 3, levels.last == "value" || levels.last == "status" else { return nil }
    guard levels[levels.count - 3].split(separator: ".").count == 4 else { return nil }
    let words = Set(levels.flatMap(Words.split))
    let side = words.contains("olt") && !words.contains("onu") && !words.contains("ont") ? "olt" : "onu"
    let name: String
    if words.contains("huawei") {
      name = "huawei-\(side)"
    } else if words.contains("zte") {
      name = "zte-\(side)"
    } else if words.contains("cdata") {
      name = "cdata"
    } else {
      return nil
    }
    return Mark("profile:" + name, head: levels.dropLast(2), .here, "words in the sensor's topic")
  }

  private static func isSenML(_ facts: TopicFacts) -> Bool {
    let isNamed = ["/0/n", "/0/bn", "/1/n"].contains { facts.has($0) }
    let hasValue = (0...2).contains { index in ["v", "vs", "vb", "s"].contains { facts.has("/\(index)/\($0)") } }
    return isNamed && hasValue
  }

  // MARK: - Making marks

  /// Where nothing would be left of the head, the device's own level is it: a wildcard there would take everything.
  private static func beneath(_ format: String, _ levels: [String], _ own: Int, _ reason: String) -> Mark? {
    let head = levels.dropLast(own)
    if !head.isEmpty { return Mark(format, head: head, .beneath, reason) }
    return levels.count > 1 ? Mark(format, head: levels.prefix(1), .beneath, reason) : nil
  }

  private static func shelly(_ levels: [String], _ own: Int, _ reason: String) -> Mark? {
    guard levels.count > own else { return nil }
    let head = levels.dropLast(own + 1)
    return Mark("profile:shelly-gen2", head: head.isEmpty ? levels.prefix(1) : head, .beneath, reason)
  }

  private static func telegraf(_ levels: [String], _ reason: String) -> Mark {
    Mark("telegraf", head: levels, .alike, reason)
  }
}

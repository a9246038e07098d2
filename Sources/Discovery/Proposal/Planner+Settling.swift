import Telemetry

/// What sources of the same devices have in common, and how they are called.
extension Planner {
  /// Classes, intervals and names.
  mutating func settle(taken: Set<String>) {
    var families: [String: [Int]] = [:]
    for index in sources.indices { families[sources[index].family ?? "\(index)", default: []].append(index) }
    for (_, members) in families.sorted(by: { $0.key < $1.key }) {
      setClass(members)
      setInterval(members)
    }
    for index in sources.indices {
      if sources[index].format == "tasmota" { setZone(index, "/Time") }
      if let time = sources[index].time, time.isNaive { setZone(index, time.path) }
    }
    name(taken)
  }

  private mutating func setClass(_ members: [Int]) {
    var words: [String] = []
    for index in members {
      let source = sources[index]
      if let implied = Planner.impliedClasses[source.format] { words += [implied, implied, implied] }
      for segment in source.segments { if case .word(let word) = segment { words += Words.split(word) } }
      for place in source.topics.prefix(20) {
        words += survey.topics[place].levels.flatMap(Words.split)
        words += (facts[place]?.keys ?? []).flatMap(Words.split)
      }
    }
    guard let found = Words.deviceClass(in: words), let kind = DeviceClass(rawValue: found.kind.rawValue) else {
      return
    }
    for index in members where Planner.impliedClasses[sources[index].format] == nil {
      guard !sources[index].format.hasPrefix("profile:") else { continue }
      sources[index].deviceClass = kind
      sources[index].note("class", "by the word \"\(found.word)\"")
    }
  }

  /// Formats that know the class themselves, with a word that speaks for it.
  private static let impliedClasses = [
    "frigate": "camera", "onvif": "camera", "axis": "camera", "profile:fpp": "videotron", "profile:wled": "videotron",
    "profile:hikvision": "camera", "profile:dahua-cameraevents": "camera", "profile:dahua-vto": "camera",
    "profile:zoneminder": "camera", "profile:axis-dataq": "camera", "profile:nut": "ups",
    "profile:routeros-sfp": "sfp",
  ]

  /// The device's interval is said by each of its sources, for the first message of a device may come by any.
  private mutating func setInterval(_ members: [Int]) {
    var topics = Set(members.flatMap { sources[$0].topics }).map { survey.topics[$0] }
    if members.contains(where: { sources[$0].format == "frigate" }) {
      // Its events come as they happen; what comes of itself are the statistics.
      let regular = topics.filter { $0.levels.last == "stats" }
      if !regular.isEmpty { topics = regular }
    }
    for index in members { sources[index].doubts.removeAll { $0 == Planner.noInterval } }
    guard let found = IntervalGuess.find(topics) else {
      for index in members {
        sources[index].doubts.append(Planner.noInterval)
      }
      return
    }
    for index in members {
      sources[index].interval = found.interval
      sources[index].note("interval", "the middle of \(found.gaps) gaps between messages")
    }
  }

  private static let noInterval = "no interval: too little was heard to know how often it reports"

  /// Naive local times tell their zone by how far they are from UTC: Indonesia has three.
  private mutating func setZone(_ index: Int, _ path: String) {
    var hours: [Int: Int] = [:]
    var count = 0
    for place in sources[index].topics.prefix(50) {
      for sample in survey.topics[place].samples where !sample.retained {
        let leaves = reader.leaves(sample.payload, at: sample.receivedAt) ?? []
        guard case .word(let text)? = leaves.first(where: { $0.path == path })?.value,
          let parts = RFC3339.parts(text), parts.offset == nil
        else { continue }
        count += 1
        hours[Int(((parts.local - sample.receivedAt).seconds / 3600).rounded()), default: 0] += 1
      }
    }
    guard let (hour, votes) = hours.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }), votes * 2 > count else {
      return
    }
    guard sources[index].timezone == nil else { return }
    if let zone = Planner.zones[hour] {
      sources[index].timezone = zone
      sources[index].note("timezone", "its clocks are \(hour) hours ahead of UTC and don't say so")
    } else if hour == 0, sources[index].time?.isNaive == true {
      sources[index].timezone = "UTC"
      sources[index].note("timezone", "its clocks are UTC and don't say so")
    } else if hour != 0 {
      let doubt = "its clocks are \(hour) hours from UTC: give their zone as timezone"
      if !sources[index].doubts.contains(doubt) { sources[index].doubts.append(doubt) }
    }
  }

  private static let zones = [7: "Asia/Jakarta", 8: "Asia/Makassar", 9: "Asia/Jayapura"]

  private mutating func name(_ taken: Set<String>) {
    var taken = taken
    for index in sources.indices {
      let source = sources[index]
      let words = source.segments.compactMap { segment -> String? in
        guard case .word(let word) = segment else { return nil }
        let plain = String(
          word.lowercased().unicodeScalars.map { scalar in
            ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar) ? Character(scalar) : "-"
          })
        let parts = plain.split(separator: "-")
        return parts.isEmpty ? nil : parts.joined(separator: "-")
      }
      let isPlain = source.format == "json" || source.format == "scalar"
      var parts = isPlain ? words : [source.format.replacing("profile:", with: "")] + words.suffix(1)
      if parts.count > 1, parts[0] == parts[1] { parts.removeFirst() }
      let base = String((parts.isEmpty ? "source" : parts.joined(separator: "-")).prefix(48))
      var name = base
      var number = 2
      while !taken.insert(name).inserted {
        name = "\(base)-\(number)"
        number += 1
      }
      sources[index].name = name
    }
  }
}

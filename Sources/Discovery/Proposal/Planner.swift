import Decoding
import Settings
import Telemetry

/// Makes sources of what was heard: first what is recognised as a format, then what is left, by the form of its
/// payloads.
struct Planner {
  let survey: Survey
  /// Per topic; `nil` where an existing source takes it.
  private(set) var facts: [TopicFacts?] = []
  private var marks: [Mark?] = []
  var reader: PayloadReader
  var sources: [ProposedSource] = []

  /// More sources than this nobody reads; it takes devices that have nothing in common to need them.
  static let sourcesProposed = 200

  /// - Parameters:
  ///   - own: go before what is recognised otherwise.
  ///   - isOpen: whether a topic still needs a source.
  init(_ survey: Survey, own: OwnProfiles, isOpen: (HeardTopic) -> Bool) throws(DecoderSetupFault) {
    self.survey = survey
    reader = try PayloadReader()
    for topic in survey.topics {
      let facts = isOpen(topic) ? TopicFacts(topic, reader: &reader) : nil
      self.facts.append(facts)
      marks.append(facts.flatMap { own.mark(topic) ?? Recogniser.mark(topic, $0) })
    }
  }

  // MARK: - Formats

  /// Sources for the formats that were recognised.
  mutating func planFormats() {
    var groups: [String: [Int]] = [:]
    for (index, mark) in marks.enumerated() {
      guard let mark else { continue }
      groups["\(mark.format) \(mark.reach)", default: []].append(index)
    }
    for (_, members) in groups.sorted(by: { $0.key < $1.key }) {
      guard let first = members.first.flatMap({ marks[$0] }) else { continue }
      sources += planned(first, members)
    }
    claim()
  }

  private func planned(_ mark: Mark, _ members: [Int]) -> [ProposedSource] {
    let isAlike = mark.reach == .alike
    if mark.reach == .here { return fixed(mark, members) }
    let heads = members.map { marks[$0]?.head ?? [] }
    let items = heads.map { head in
      // What differs only in its last level is one source where the format tells its kinds apart.
      TopicClusters.Item(
        levels: isAlike && mark.format == "telegraf" ? Array(head.dropLast()) : head,
        look: isAlike ? mark.format : "")
    }
    // A wildcard in the place of everything would take what belongs to others.
    let shapes = TopicClusters.shapes(of: items, keepsFirstLevel: true)
    var bySegments: [[Segment]: ProposedSource] = [:]
    var order: [[Segment]] = []
    for shape in shapes {
      var segments = shape.segments
      if mark.reach == .kinds { segments = Planner.withDevice(segments) }
      let places = shape.members.map { members[$0] }
      // The last level before Frigate's own is the box, and stands for its place.
      let isBox = mark.format == "frigate" && segments.count(where: \.isIdentity) == 1
      var named = CaptureNames.name(
        segments, values: values(of: segments, shape.members.map { heads[$0] }), last: isBox ? "site" : "device")
      if isBox { named.site = "{site}" }
      var source = ProposedSource(named.segments, format: mark.format, topics: [])
      source.site = named.site
      finish(&source, mark, named, places)
      if bySegments[source.segments] == nil {
        order.append(source.segments)
        let example = places.first.map { survey.topics[$0].topic } ?? ""
        source.notes = ["\(mark.format): recognised by \(mark.reason), on \(Printable.text(example, limit: 80))"]
        bySegments[source.segments] = source
      }
    }
    return order.compactMap { bySegments[$0] }
  }

  /// Sources of which each takes what is beneath one head and nothing else.
  private func fixed(_ mark: Mark, _ members: [Int]) -> [ProposedSource] {
    let heads = Set(members.compactMap { marks[$0]?.head }).sorted { $0.lexicographicallyPrecedes($1) }
    return heads.map { head in
      var source = ProposedSource(head.map(Segment.word) + [.rest], format: mark.format, topics: [])
      source.notes = ["\(mark.format): recognised by \(mark.reason)"]
      source.doubts = ["the source must take nothing but sensors of this kind, or their numbers mean something else"]
      return source
    }
  }

  /// What follows the head, and how devices are called.
  private func finish(_ source: inout ProposedSource, _ mark: Mark, _ named: CaptureNames.Named, _ places: [Int]) {
    switch mark.reach {
    case .here: break
    case .beneath:
      source.segments.append(.rest)
      guard let device = named.device else { break }
      if mark.format == "frigate" {
        source.device = device + "/{camera}"
      } else {
        source.doubts.append("the profile alone names the device: two places may have devices of one name")
      }
    case .through(let levels):
      for level in levels { source.segments.append(level.isEmpty ? .capture("serial") : .word(level)) }
      source.segments.append(.rest)
      if mark.format == "onvif" { source.device = named.device }
      if mark.format != "onvif" { source.site = nil }
    case .kinds:
      source.segments.append(.capture("kind"))
      source.device = named.device
    case .alike:
      if mark.format == "telegraf" {
        if !named.segments.isEmpty || places.contains(where: { survey.topics[$0].levels.count == 1 }) {
          source.segments.append(
            named.segments.isEmpty ? .word(survey.topics[places[0]].topic) : .capture("measurement"))
        }
        source.device = named.device
        if named.device == nil {
          source.doubts.append("devices are named by their tags: agent_host, sysName, source, url or host")
        }
      } else if mark.format == "profile:hikvision" {
        source.device = named.device
      } else {
        // Payload or profile names the device.
        source.site = nil
        source.segments = source.segments.map { if case .capture = $0 { .any } else { $0 } }
      }
    }
  }

  /// Tasmota's topics have a device's level, whatever it is called.
  private static func withDevice(_ segments: [Segment]) -> [Segment] {
    guard !segments.contains(.identity) else { return segments }
    let own = segments.indices.filter { index in
      if case .word(let word) = segments[index] { !Recogniser.tasmotaPrefixes.contains(word) } else { false }
    }
    guard let last = own.last, last > 0 || segments.count > 1 else { return segments }
    var changed = segments
    // The prefix may stand behind the device, and the first level is better left as it is.
    if last > 0 { changed[last] = .identity }
    return changed
  }

  private func values(of segments: [Segment], _ levels: [[String]]) -> [[String]] {
    segments.indices.filter { segments[$0].isIdentity }.map { place in
      Array(Set(levels.prefix(500).compactMap { $0.count > place ? $0[place] : nil })).sorted()
    }
  }

  /// Each topic belongs to the narrowest source that it matches.
  mutating func claim() {
    sources.sort { $1.narrowness.lexicographicallyPrecedes($0.narrowness) }
    for index in sources.indices { sources[index].topics = [] }
    let patterns = sources.map(\.pattern)
    for (place, topic) in survey.topics.enumerated() where facts[place] != nil {
      guard let index = patterns.firstIndex(where: { $0?.match(topic.topic) != nil }) else { continue }
      sources[index].topics.append(place)
    }
  }

  // MARK: - What is left

  /// Sources for topics that no format's source takes, or that it can't read.
  ///
  /// - Parameter unread: places of topics that their source can't read.
  mutating func planRest(unread: Set<Int>) {
    let claimed = Set(sources.flatMap(\.topics)).subtracting(unread)
    var open: [Int] = []
    for (place, facts) in facts.enumerated() {
      guard let facts, !claimed.contains(place), Planner.isPlain(facts.form) else { continue }
      open.append(place)
    }
    let items = open.map {
      TopicClusters.Item(levels: survey.topics[$0].levels, look: facts[$0]?.look ?? "")
    }
    let formats = sources
    let shapes = TopicClusters.shapes(of: items).sorted { $0.members.count > $1.members.count }
    for shape in shapes.prefix(Planner.sourcesProposed) {
      for source in plain(shape.segments, shape.members.map { open[$0] }) {
        guard let pattern = source.pattern, !steals(pattern, from: formats, unread) else { continue }
        sources.append(source)
      }
    }
    claim()
    sources = Array(sources.filter { !$0.topics.isEmpty }.prefix(Planner.sourcesProposed))
  }

  /// Whether a topic that a format's source reads would go elsewhere.
  private func steals(_ pattern: TopicPattern, from formats: [ProposedSource], _ unread: Set<Int>) -> Bool {
    formats.contains { rival in
      guard let other = rival.pattern, other.filter.overlaps(pattern.filter) else { return false }
      return rival.topics.contains { !unread.contains($0) && pattern.match(survey.topics[$0].topic) != nil }
    }
  }

  private static func isPlain(_ form: TopicFacts.Form) -> Bool { form == .document || form == .number || form == .word }

  /// One source, and one for each of the few topics of the shape that hold something else.
  private mutating func plain(_ segments: [Segment], _ members: [Int]) -> [ProposedSource] {
    let documents = members.filter { facts[$0]?.form == .document }
    let scalars = members.filter { facts[$0]?.form != .document }
    let isDocument = documents.count >= scalars.count
    let (most, others) = isDocument ? (documents, scalars) : (scalars, documents)
    var made = [plainSource(segments, most, isDocument: isDocument)]
    guard segments.contains(.identity) else { return made }
    for place in others.filter({ facts[$0]?.isCertain ?? false }).prefix(Planner.exceptions) {
      made.append(plainSource(survey.topics[place].levels.map(Segment.word), [place], isDocument: !isDocument))
    }
    return made
  }

  /// Topics of a shape that differ from the others and get a source of their own.
  private static let exceptions = 10

  private mutating func plainSource(_ segments: [Segment], _ members: [Int], isDocument: Bool) -> ProposedSource {
    let topics = members.map { (index: $0, topic: survey.topics[$0]) }
    let named = CaptureNames.name(segments, values: values(of: segments, topics.map(\.topic.levels)))
    var source = ProposedSource(named.segments, format: isDocument ? "json" : "scalar", topics: members)
    source.device = named.device ?? Planner.fixedDevice(segments)
    source.site = named.site
    let example = topics.first.map { Printable.text($0.topic.topic, limit: 80) } ?? ""
    let count = members.count
    source.notes.append(
      "\(count) topic\(count == 1 ? "" : "s") such as \(example): \(isDocument ? "JSON" : "one value each")")
    if isDocument {
      let plan = DocumentPlan(topics, reader: &reader)
      source.time = plan.time
      source.metrics = plan.metrics
      source.doubts += plan.doubts
      if let time = plan.time {
        source.notes.append(
          "time: \(time.path) was \(Planner.text(time.distance)) from the time of receipt\(time.isNaive ? ", full hours aside" : "")"
        )
      }
    } else {
      let plan = ScalarPlan(segments, topics)
      source.metrics = plan.metrics
      source.doubts += plan.doubts
      if let last = segments.last, last == .word("value"), topics.allSatisfy({ $0.topic.levels.count > 3 }) {
        source.doubts.append(
          "raw optical power of an OLT means nothing without its scale: see the profiles huawei-olt, huawei-onu, "
            + "zte-olt, zte-onu and cdata")
      }
    }
    return source
  }

  private static func text(_ span: Span) -> String {
    span < .seconds(1) ? "less than 1s" : "\(Span.seconds(span.nanoseconds / 1_000_000_000))"
  }

  /// Where nothing differs, what stands before the last level is the device; `nil` leaves it to the whole topic.
  private static func fixedDevice(_ segments: [Segment]) -> String? {
    guard segments.count > 1 else { return nil }
    let head = segments.dropLast().map(\.text).joined(separator: "/")
    // A topic may begin with a slash: then nothing stands there, and a device must have a name.
    guard head.contains(where: { !$0.isWhitespace }), head.utf8.count <= 200 else { return nil }
    return segments.dropLast().allSatisfy(\.isWord) ? head : nil
  }
}

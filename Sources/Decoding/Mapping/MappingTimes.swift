import Telemetry

/// The places where a payload may say when; the first plausible time counts.
struct MappingTimes {
  private enum Place {
    case counted(TimeReader)
    case pattern(JSONPointer, path: String, TimePattern, LocalZone)

    var path: String {
      switch self {
      case .counted(let reader): reader.text
      case .pattern(_, let path, _, _): path
      }
    }

    func read(_ root: JSONValue) -> TimeReader.Reading {
      switch self {
      case .counted(let reader): return root.resolve(reader.pointer).map(reader.read) ?? .absent
      case .pattern(let pointer, _, let pattern, let zone):
        guard let value = root.resolve(pointer), value.kind == .string else { return .absent }
        let text = value.text.trimmed
        guard !text.isEmpty else { return .absent }
        guard text.count <= 64, let time = pattern.time(String(utf8: text), zone: zone) else {
          return .unreadable("no time of the pattern")
        }
        return .at(time)
      }
    }
  }

  private var places: [Place] = []

  init(_ rules: [TimeRule], _ setup: SourceSetup) throws(DecoderSetupFault) {
    if let own = try setup.timeReader() { places.append(.counted(own)) }
    var zones = ZoneShelf()
    for rule in rules {
      guard let pointer = JSONPointer(rule.path) else {
        throw setup.fault("time.path", setup.pointerFault(rule.path), hint: setup.pointerHint(rule.path))
      }
      let zone = try rule.zone.map { name throws(DecoderSetupFault) in
        try zones.zone(name, source: setup.source.name)
      }
      switch rule.form {
      case .unit(let unit):
        places.append(.counted(TimeReader(pointer: pointer, text: rule.path, unit: unit, zone: zone ?? setup.zone)))
      case .pattern(let text):
        guard let pattern = TimePattern(text) else {
          throw setup.fault(
            "time.pattern", "\"\(Excerpt.text(text, limit: 60))\" is no pattern of a date and time",
            hint: "fields are \(TimePattern.fields)")
        }
        places.append(.pattern(pointer, path: rule.path, pattern, zone ?? setup.zone))
      }
    }
  }

  var isEmpty: Bool { places.isEmpty }

  func moment(_ scope: MappingScope) -> Moment? {
    var unreadable: (String, String)?
    for place in places {
      switch place.read(scope.value) {
      case .absent: continue
      case .unreadable(let reason):
        unreadable = unreadable ?? (scope.path + place.path, reason)
        scope.message.trace?.left(scope.path + place.path, reason)
      case .at(let time):
        let moment = scope.message.moment(time)
        guard moment.source == .payload else {
          scope.message.trace?.left(scope.path + place.path, "an implausible time is none")
          continue
        }
        scope.message.trace?.used(scope.path + place.path, "the time")
        return moment
      }
    }
    if let (path, reason) = unreadable { scope.message.fault(DecodingFault(path: path, reason)) }
    return nil
  }
}

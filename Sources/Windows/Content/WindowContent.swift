import Telemetry

/// What is known of one window of a device or a group when it is closed: enough to write its record, to make the
/// record of a longer window or a group from it, and to keep when the messages go.
///
/// Closed windows of a device that follow one another merge to what the longer window would have been.
public struct WindowContent: Sendable, Equatable {
  struct Entry: Sendable, Equatable {
    let series: Series
    var figures: SeriesFigures

    static func == (a: Entry, b: Entry) -> Bool { a.series === b.series && a.figures == b.figures }
  }

  /// Distinct messages with at least one reading here.
  var received = 0
  /// By the place of the longer length: messages of these that the longer window counts in an earlier part of it.
  /// Empty where there are none.
  var shared: [Int] = []
  var quality = TimeQuality.trusted
  var presence = Presence()
  var duplicates = 0
  var quarantined = 0
  var offsets = OffsetFigures()
  /// A part of its messages was gone when late ones were joined.
  public var isPartial = false
  /// Of a group: how many devices have a record here, and how many of them were heard.
  var members = 0
  var reporting = 0
  var expected: Int64?
  var entries: [Entry] = []
  /// When the device was last heard before the window.
  public internal(set) var heardBefore: Timestamp?
  /// Whether `heardBefore` is said.
  var isBegun = false

  public init() {}

  /// Joins the window that follows this one, of the same device.
  ///
  /// - Parameters:
  ///   - level: the place of the longer length that is made, 1 for the first after the shortest.
  ///   - missing: for how long before that window the device was too long silent to have any.
  public mutating func merge(later other: WindowContent, level: Int, interval: Span?, missing: Span = .zero) {
    if !isBegun { (heardBefore, isBegun) = (other.heardBefore, true) }
    let counted = other.shared.count >= level ? other.shared[level - 1] : 0
    received += other.received - counted
    // Who shares a message within a window shares it within a longer one, too.
    for index in level..<max(level, other.shared.count) {
      while shared.count <= index { shared.append(0) }
      shared[index] += other.shared[index] - counted
    }
    if other.received > 0 { quality = max(quality, other.quality) }
    presence.merge(later: other.presence, threshold: Presence.threshold(interval))
    duplicates += other.duplicates
    quarantined += other.quarantined
    offsets.merge(other.offsets)
    isPartial = isPartial || other.isPartial
    for entry in other.entries { merge(entry, missing) }
  }

  /// The device was too long silent to have a window for so long after the last one that was joined.
  public mutating func extend(by missing: Span) {
    guard missing > .zero else { return }
    for index in entries.indices { entries[index].figures.extend(by: missing) }
  }

  /// Where the series' entry is, made where there was none.
  private mutating func place(of series: Series) -> Int {
    if let known = entries.firstIndex(where: { $0.series === series }) { return known }
    entries.append(Entry(series: series, figures: SeriesFigures(series.kind)))
    return entries.count - 1
  }

  private mutating func merge(_ entry: Entry, _ missing: Span) {
    entries[place(of: entry.series)].figures.merge(
      entry.figures, unit: entry.series.unit, asMember: false, missing: missing)
  }

  /// Joins one device's window to its group's.
  ///
  /// - Parameters:
  ///   - group: the group as a device of a registry of its own.
  ///   - places: where each series of the group stands in `entries`.
  mutating func join(
    _ member: WindowContent, expected more: Int64?, group: Device, registry: Registry, places: inout [Int: Int]
  ) {
    members += 1
    if member.received > 0 {
      reporting += 1
      quality = max(quality, member.quality)
    }
    received += member.received
    duplicates += member.duplicates
    quarantined += member.quarantined
    isPartial = isPartial || member.isPartial
    if let more { expected = (expected ?? 0) + more }
    for entry in member.entries {
      let series = entry.series
      guard
        let own = registry.series(
          of: group, series.metric, labels: series.labels, unit: series.unit, kind: series.kind)
      else { continue }
      let position = places[own.index] ?? entries.count
      if position == entries.count {
        places[own.index] = position
        entries.append(Entry(series: own, figures: SeriesFigures(own.kind)))
      }
      entries[position].figures.merge(entry.figures, unit: own.unit, asMember: true)
    }
  }

  /// Joins late readings whose window's other messages are gone.
  public mutating func mergeLate(_ arrivals: [Recomputation.Arrival], interval: Span?, window: Range<Timestamp>) {
    isPartial = true
    for arrival in arrivals where !arrival.message.retained {
      if arrival.readings.isEmpty {
        quarantined += 1
        _ = presence.note(arrival.message.receivedAt, threshold: Presence.threshold(interval))
        continue
      }
      received += 1
      quality = max(quality, arrival.message.quality)
      if let offset = arrival.message.offset { offsets.add(offset) }
      for reading in arrival.readings {
        _ = presence.note(reading.time, threshold: Presence.threshold(interval))
        entries[place(of: reading.series)].figures.mergeLate(
          reading.value, at: reading.time, unit: reading.series.unit, end: window.upperBound)
      }
    }
  }

  /// What it hands on, where its messages are gone.
  public func carried(_ carries: Carries) -> Carries {
    var result = carries
    for entry in entries {
      if let carry = entry.figures.carry, carry.time >= result[entry.series.index]?.time ?? carry.time {
        result[entry.series.index] = carry
      }
    }
    return result
  }

  /// When the device was last heard here; `nil` where it wasn't.
  public var lastHeard: Timestamp? { presence.last }
  public var isHeard: Bool { presence.last != nil }
}

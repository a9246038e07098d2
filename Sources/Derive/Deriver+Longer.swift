import Telemetry
import Windows

extension Deriver {
  // MARK: Longer windows

  /// Seals every longer window that ends with this one of the shortest length.
  func sealLonger(through end: Timestamp, silence: TimeQuality) throws {
    for (level, length) in settings.windows.longer.enumerated() {
      // Where nobody was heard, time leaps over windows: the last one that has any part is sealed by the first that
      // comes after it.
      let through = end.floored(to: length)
      let from = sealedLonger[length] ?? longer[level].from
      guard from < through else { continue }
      sealedLonger[length] = through
      let parts = Output.Frame(length: settings.windows.lengths[level], start: from)
      for start in try partStarts(parts, before: through, length) where start >= longer[level].from {
        try sealLonger(Output.Frame(length: length, start: start), level: level + 1, silence: silence)
      }
    }
  }

  /// Starts of the windows of `length` that have parts between the frame and `end`.
  private func partStarts(_ parts: Output.Frame, before end: Timestamp, _ length: Span) throws -> [Timestamp] {
    guard parts.start < end else { return [] }
    // Most often one window, of which everybody knows.
    if end - parts.start == length { return [parts.start] }
    var starts: Set<Timestamp> = []
    for start in try WindowStore.starts(parts.length, from: parts.start, stored) where start < end {
      starts.insert(start.floored(to: length))
    }
    for frame in output.windows.keys
    where frame.length == parts.length && frame.start >= parts.start && frame.start < end {
      starts.insert(frame.start.floored(to: length))
    }
    return starts.sorted()
  }

  private func sealLonger(_ frame: Output.Frame, level: Int, silence: TimeQuality) throws {
    let groups = GroupContents(start: frame.start, end: frame.start + frame.length, registry: groupRegistry)
    for (index, parts) in try parts(of: frame, level: level) {
      let device = registry.devices[index]
      let summary = longerSummary(device, frame, level: level, parts)
      try writeLonger(summary, after: sealed(frame, device))
      if summary.hasRecord { join(summary, groups) }
    }
    try keep(groups, frame, silence: silence)
  }

  /// The shorter windows of which the frame's are made, ascending, by `Device.index`; only what has a record.
  private func parts(
    of frame: Output.Frame, level: Int
  ) throws -> [(index: Int, parts: [(Timestamp, WindowStore.Sealed)])] {
    var found: [Int: [Timestamp: WindowStore.Sealed]] = [:]
    let length = settings.windows.lengths[level - 1]
    let range = frame.start..<frame.start + frame.length
    try WindowStore.windows(length, range, stored) { start, row, sealed in
      if let device = devicesByRow[row] { found[device.index, default: [:]][start] = sealed }
    }
    for (part, windows) in output.windows where part.length == length && range.contains(part.start) {
      for (index, sealed) in windows { found[index, default: [:]][part.start] = sealed }
    }
    return found.sorted { $0.key < $1.key }.map { index, parts in
      (index, parts.filter(\.value.hasRecord).sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }
  }

  private func longerSummary(
    _ device: Device, _ frame: Output.Frame, level: Int, _ parts: [(Timestamp, WindowStore.Sealed)]
  ) -> SealedSummary {
    var content = WindowContent()
    var quality = TimeQuality.trusted
    var next = frame.start
    for (start, part) in parts {
      quality = max(quality, part.quality)
      guard let own = self.content(of: part, start, device) else { continue }
      content.merge(later: own, level: level, interval: device.interval, missing: start - next)
      next = start + settings.windows.lengths[level - 1]
    }
    content.extend(by: frame.start + frame.length - next)
    return windows.summarise(
      device, frame.start, end: frame.start + frame.length, content: content, heardBefore: content.heardBefore,
      silence: quality, mayBeSilent: !parts.isEmpty)
  }

  private func writeLonger(_ summary: SealedSummary, after old: WindowStore.Sealed?) throws {
    if old == nil, !summary.hasRecord { return }
    write(summary, carriesFrom: nil, after: old)
  }

  // MARK: Groups

  func join(_ summary: SealedSummary, _ groups: GroupContents) { join(summary.content, summary.device, groups) }

  func join(_ content: WindowContent, _ device: Device, _ groups: GroupContents) {
    for rule in settings.rollups { groups.add(content, of: device, rule) }
  }

  func keep(_ groups: GroupContents, _ frame: Output.Frame, silence: TimeQuality, only names: Set<String>? = nil) throws
  {
    guard !settings.rollups.isEmpty else { return }
    var left = names ?? []
    for summary in groups.summaries(silence: silence) where names?.contains(summary.device.name) ?? true {
      left.remove(summary.device.name)
      write(summary, carriesFrom: nil, after: try sealed(frame, group: summary.device.name))
    }
    for name in left.sorted() {
      guard let old = try sealed(frame, group: name), old.hasRecord,
        let group = groupRegistry.device(named: name)
          ?? groupRegistry.restore(name, class: .other, site: nil, interval: nil)
      else { continue }
      write(groups.empty(group, silence: silence), carriesFrom: nil, after: old)
    }
  }

  private func sealed(_ frame: Output.Frame, group: String) throws -> WindowStore.Sealed? {
    if let unwritten = output.groups[frame]?[group] { return unwritten }
    return try groupRows[group].flatMap { try WindowStore.window(frame, -$0, stored) }
  }

  // MARK: Both, again

  /// Makes anew what is made of windows that have changed: longer ones, and groups of all lengths.
  ///
  /// - Parameter changed: windows of the shortest length, each with devices by `Device.index`.
  func reviseAbove(_ changed: [Timestamp: Set<Int>]) throws {
    var changed = changed
    for (level, length) in settings.windows.lengths.enumerated() {
      if level > 0 {
        var next: [Timestamp: Set<Int>] = [:]
        for (start, devices) in changed { next[start.floored(to: length), default: []].formUnion(devices) }
        changed = [:]
        for (start, devices) in next.sorted(by: { $0.key < $1.key }) {
          let frame = Output.Frame(length: length, start: start)
          for index in devices.sorted() {
            let device = registry.devices[index]
            let old = try sealed(frame, device)
            guard old != nil || isSealed(frame, level: level) else { continue }
            changed[start, default: []].insert(index)
            try writeLonger(
              longerSummary(device, frame, level: level, parts(of: frame, device, level: level)), after: old)
          }
        }
      }
      for (start, devices) in changed { try reviseGroups(Output.Frame(length: length, start: start), devices) }
    }
  }

  private func isSealed(_ frame: Output.Frame, level: Int) -> Bool {
    let from = longer[level - 1].from
    return frame.start >= from && frame.start + frame.length <= sealedLonger[frame.length] ?? from
  }

  private func parts(
    of frame: Output.Frame, _ device: Device, level: Int
  ) throws -> [(Timestamp, WindowStore.Sealed)] {
    var parts: [(Timestamp, WindowStore.Sealed)] = []
    let length = settings.windows.lengths[level - 1]
    var start = frame.start
    while start < frame.start + frame.length {
      if let part = try sealed(Output.Frame(length: length, start: start), device), part.hasRecord {
        parts.append((start, part))
      }
      start = start + length
    }
    return parts
  }

  private func reviseGroups(_ frame: Output.Frame, _ devices: Set<Int>) throws {
    guard !settings.rollups.isEmpty else { return }
    let names = Set(settings.rollups.flatMap { rule in devices.compactMap { rule.name(of: registry.devices[$0]) } })
    let groups = GroupContents(start: frame.start, end: frame.start + frame.length, registry: groupRegistry)
    var quality = TimeQuality.trusted
    var incomplete: Set<String> = []
    for (index, sealed) in try sealedWindows(frame).sorted(by: { $0.key < $1.key }) where sealed.hasRecord {
      let device = registry.devices[index]
      quality = max(quality, sealed.quality)
      if let content = content(of: sealed, frame.start, device) {
        join(content, device, groups)
      } else {
        // Sealed before anybody asked for groups: a group of the others would say that this one wasn't there.
        incomplete.formUnion(settings.rollups.compactMap { $0.name(of: device) })
      }
    }
    try keep(groups, frame, silence: quality, only: names.subtracting(incomplete))
  }
}

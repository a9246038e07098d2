import Journal
import Telemetry
import Windows

extension Deriver {
  /// Keeps the messages of this window and the following ones until they are computed again.
  func hold(from start: Timestamp) {
    if let held, held.start <= start { return }
    let written = (try? WindowStore.sources(from: start, stored)).flatMap(\.self) ?? .max
    let unwritten = output.sources.filter { $0.start >= start }.map(\.segments.lowerBound).min() ?? .max
    held = (start, min(written, unwritten))
  }

  /// Computes again every window for which late readings came, and whatever counts from them.
  func revise(_ list: ReferenceWritableKeyPath<Deriver, LateReadings>) throws {
    // What was derived must be where it is looked up.
    try commit()
    try recompute(self[keyPath: list])
    self[keyPath: list] = LateReadings(self[keyPath: list].kind)
    held = nil
    for start in (late.windows.union(ahead.windows)).map(\.start) { hold(from: start) }
    try commit()
  }

  /// Computes windows again, those after them that count from what these carry on, and those that are made of them.
  ///
  /// Window by window in order of time, since a window's figures count from the one before. A computation that changes
  /// nothing writes nothing.
  func recompute(_ list: LateReadings) throws {
    var pending: [Timestamp: Set<Int>] = [:]
    for window in list.windows {
      // Of windows that were given up nothing is known that a reading could be joined to.
      if let whole = windows.wholeFrom, window.start < whole { continue }
      guard let device = registry.device(named: window.device) else { continue }
      pending[window.start, default: []].insert(device.index)
    }
    for (start, segments) in list.segments { output.sources.append(Output.Source(start: start, segments: segments)) }
    var changed: [Timestamp: Set<Int>] = [:]
    var unrevised = 0
    while let start = pending.keys.min(), let devices = pending.removeValue(forKey: start) {
      var sources = try WindowStore.sources(start, stored)
      sources += output.sources.filter { $0.start == start }.map(\.segments)
      let arrivals = try sources.isEmpty ? [:] : collect(start, devices, from: sources)
      // Asked after the reading, for messages are deleted at any moment. From a part of them a record would come out
      // that says less than the one that was sent.
      let isWhole = sources.map(\.lowerBound).min().map { $0 >= journal.oldestID } ?? true
      let late = try isWhole ? [:] : list.segments[start].map { try collect(start, devices, from: [$0]) } ?? [:]
      for index in devices.sorted() {
        let device = registry.devices[index]
        let outcome =
          try isWhole
          ? recompute(device, start, arrivals[index]) : merge(device, start, late[index] ?? [])
        switch outcome {
        case .same: break
        case .lost:
          unrevised += 1
          counts.tooLate += Int64(late[index]?.count ?? 0)
        case .changed:
          changed[start, default: []].insert(index)
          if let next = following(start) { pending[next, default: []].insert(index) }
        case .unknown:
          if let next = try next(after: start, device), isPassed(next) { pending[next, default: []].insert(index) }
        }
      }
    }
    // The open windows count from the last sealed one.
    for index in Set(changed.values.joined()).sorted() { try track(registry.devices[index]) }
    try reviseAbove(changed)
    if unrevised > 0 {
      let cure = "raise max_size or raw_retention"
      report("\(unrevised) windows stay without late readings: their messages are deleted already; \(cure)")
    }
  }

  private enum Outcome {
    /// Nothing that anybody could see or count from.
    case same
    case changed
    /// The device has no window there, and none had to be made.
    case unknown
    /// The messages are gone, and nothing was kept in their place.
    case lost
  }

  /// The next window that may count from this one. Those that were computed before their time are computed again when
  /// it comes.
  private func following(_ start: Timestamp) -> Timestamp? {
    let next = start + settings.windows.length
    return isPassed(next) ? next : nil
  }

  private func recompute(
    _ device: Device, _ start: Timestamp, _ arrivals: [Recomputation.Arrival]?
  ) throws -> Outcome {
    let old = try sealed(frame(start), device)
    let before = try sealed(before: start, device)
    var carries = try before.map { try self.carries(after: $0.sealed, device) } ?? [:]
    var heardBefore = before?.sealed.heard
    if before == nil, let track = windows.track(of: device), !track.isActive, let last = track.lastHeard,
      try sealed(frame(last.floored(to: settings.windows.length)), device) == nil
    {
      // Silent for so long that its windows are forgotten: the device's own row knows. Where the window in which it was
      // last heard is still there, that one was taken back.
      carries = track.carries.filter { $0.value.time < start }
      heardBefore = last < start ? last : nil
    }
    let readings = arrivals.map {
      Recomputation(
        device: device, start: start, arrivals: $0, carries: carries, longer: settings.windows.longer)
    }
    let silence: TimeQuality = old?.quality ?? (settings.trustsClock ? .trusted : .untrusted)
    let summary = windows.summarise(
      device, start, readings: readings, carries: carries, heardBefore: heardBefore, silence: silence,
      mayBeSilent: isPassed(start))
    return try keep(summary, after: old, before)
  }

  private func isPassed(_ start: Timestamp) -> Bool { windows.sealedThrough.map { start < $0 } ?? false }

  /// The window's messages are gone: late readings join what is kept of it.
  private func merge(_ device: Device, _ start: Timestamp, _ arrivals: [Recomputation.Arrival]) throws -> Outcome {
    let old = try sealed(frame(start), device)
    guard let old, let heard = old.heard, heard >= start, old.hasRecord else {
      // It had none: these are all.
      return try recompute(device, start, arrivals.isEmpty ? nil : arrivals)
    }
    guard !arrivals.isEmpty else { return .same }
    guard var content = content(of: old, start, device) else { return .lost }
    content.mergeLate(
      arrivals, interval: device.interval, window: start..<start + settings.windows.length)
    let before = try sealed(before: start, device)
    let summary = windows.summarise(
      device, start, end: start + settings.windows.length, content: content,
      carries: content.carried(try carries(after: old, device)), heardBefore: content.heardBefore,
      silence: old.quality, mayBeSilent: true)
    return try keep(summary, after: old, before)
  }

  private func keep(
    _ summary: SealedSummary, after old: WindowStore.Sealed?,
    _ before: (start: Timestamp, sealed: WindowStore.Sealed)?
  ) throws -> Outcome {
    // A window without anything, of a device that was not known then: the chain ends here.
    guard summary.hasRecord || summary.hasEntries || old != nil else { return .unknown }
    let carriesFrom =
      summary.hasEntries
      ? summary.start : before.flatMap { $0.sealed.carries == nil ? $0.sealed.carriesFrom : $0.start }
    if let old, old.digest == summary.digest, old.heard == summary.lastHeard, old.quality == summary.quality,
      try writtenCarries(after: old, summary.device) == summary.carries,
      old.content == nil || old.content == packed(summary.content, summary.start)
    {
      // What it hands on may lie elsewhere now.
      if old.carriesFrom != (summary.hasEntries ? nil : carriesFrom) {
        write(summary, carriesFrom: carriesFrom, after: old)
      }
      return .same
    }
    write(summary, carriesFrom: carriesFrom, after: old)
    return .changed
  }

  /// What a window handed on before any of those that are computed now.
  private func writtenCarries(after sealed: WindowStore.Sealed, _ device: Device) throws -> Carries {
    var blob = sealed.carries
    if blob == nil, let from = sealed.carriesFrom, let row = deviceRows[device.index] {
      blob = try WindowStore.window(frame(from), row, stored)?.carries
    }
    return blob.flatMap { carries(packed: $0, of: device) } ?? [:]
  }

  /// What the device's open windows count from: its last sealed one.
  func track(_ device: Device) throws {
    guard let through = windows.sealedThrough else { return }
    let last = try sealed(before: through, device)
    let isAdjacent = last.map { $0.start + settings.windows.length == through } ?? false
    let track = DeviceTrack(
      device: device, isActive: isAdjacent && last.map { isActive($0.sealed, $0.start) } ?? false,
      lastHeard: last?.sealed.heard, carries: try last.map { try carries(after: $0.sealed, device) } ?? [:])
    windows.follow(track)
    lastCarries[device.index] = last.flatMap { $0.sealed.carries == nil ? $0.sealed.carriesFrom : $0.start }
    keepDevice(track)
  }
}

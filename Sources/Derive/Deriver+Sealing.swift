import Telemetry
import Windows

extension Deriver {
  func frame(_ start: Timestamp) -> Output.Frame { Output.Frame(length: settings.windows.length, start: start) }

  /// Seals every window that the watermark has passed, in order.
  func sealDue(quality: TimeQuality) throws {
    // Messages that are on their way to other windows must be there before these are sealed.
    guard try mendPending() else { return }
    while let due = windows.nextDue(at: watermark, known: computedAhead.first) {
      try keepReturning(due)
      let known = try adopt(due)
      var recomputed: [Recomputation] = []
      let disordered = due.disordered.filter { known.adopted[$0.index] == nil }
      if let segments = due.segments { try recompute(disordered, due.start, segments, into: &recomputed) }
      let groups = GroupContents(
        start: due.start, end: due.start + settings.windows.length, registry: groupRegistry)
      windows.seal(due, recomputed: recomputed, adopted: known.adopted, quality: quality) { summary in
        keep(summary, after: known.silent[summary.device.index])
        if summary.hasRecord { join(summary, groups) }
      }
      if let segments = due.segments { output.sources.append(Output.Source(start: due.start, segments: segments)) }
      for (index, content) in known.contents { join(content, registry.devices[index], groups) }
      try keep(groups, frame(due.start), silence: quality)
      try sealLonger(through: due.start + settings.windows.length, silence: quality)
      if output.isFull { try commit() }
    }
    // Where nobody was heard, time has leapt.
    if let through = windows.sealedThrough { try sealLonger(through: through, silence: quality) }
  }

  /// Where a window has more than `arrivalsAtOnce`, its devices are taken part by part, and its segments read again for
  /// each: held at once they would be most of the gateway's memory.
  private func recompute(
    _ devices: [Device], _ start: Timestamp, _ segments: ClosedRange<Int64>, into recomputed: inout [Recomputation]
  ) throws {
    var left = devices[...]
    var size = devices.count
    while !left.isEmpty {
      var part = left.prefix(size)
      var arrivals: [Int: [Recomputation.Arrival]] = [:]
      var held = 0
      let wanted = Set(part.map(\.index))
      try self.arrivals(segments, only: wanted) { window, device, arrival in
        // Devices stand in the order of their indices.
        guard window == start, wanted.contains(device), let last = part.last, device <= last.index else { return }
        arrivals[device, default: []].append(arrival)
        held += 1
        guard held > arrivalsAtOnce, part.count > 1 else { return }
        for dropped in part.dropFirst(part.count / 2) {
          held -= arrivals.removeValue(forKey: dropped.index)?.count ?? 0
        }
        part = part.prefix(part.count / 2)
      }
      size = part.count
      left = left.dropFirst(size)
      for device in part {
        recomputed.append(
          Recomputation(
            device: device, start: start, arrivals: arrivals[device.index] ?? [],
            carries: windows.track(of: device)?.carries ?? [:], longer: settings.windows.longer))
      }
    }
  }

  /// Windows that were computed before their time, where one of them is due.
  private struct Known {
    /// With messages: they stay as they are until they are computed again, which they are as soon as may be.
    var adopted: [Int: DeviceTrack] = [:]
    var contents: [Int: WindowContent] = [:]
    /// Without: they are sealed like others, as a revision of what is there.
    var silent: [Int: WindowStore.Sealed] = [:]
  }

  private func adopt(_ due: WindowEngine.Due) throws -> Known {
    var known = Known()
    guard computedAhead.first == due.start else { return known }
    computedAhead.removeFirst()
    for (index, sealed) in try sealedWindows(frame(due.start)) {
      let device = registry.devices[index]
      // Of a device that has only sent what nobody understands, nothing is said, and yet its messages count once it is
      // known.
      let isStranger = sealed.carries != nil && sealed.heard == nil
      guard isStranger || sealed.hasRecord && sealed.heard.map({ $0 >= due.start }) ?? false else {
        known.silent[index] = sealed
        continue
      }
      let track = DeviceTrack(
        device: device, isActive: isActive(sealed, due.start), lastHeard: sealed.heard,
        carries: try carries(after: sealed, device))
      known.adopted[index] = track
      keepDevice(track)
      lastCarries[index] = sealed.carries == nil ? sealed.carriesFrom : due.start
      if let content = content(of: sealed, due.start, device) { known.contents[index] = content }
      if let segments = due.segments, due.heard.contains(index) {
        late.note(due.start, device.name, segment: segments.lowerBound, now: now)
        late.note(due.start, device.name, segment: segments.upperBound, now: now)
      } else {
        late.note(due.start, device.name, now: now)
      }
      hold(from: due.start)
    }
    return known
  }

  /// Whether the device has a record for the window after this one, come what may.
  func isActive(_ sealed: WindowStore.Sealed, _ start: Timestamp) -> Bool {
    guard sealed.hasRecord, let heard = sealed.heard else { return false }
    return start + settings.windows.length - heard < settings.windows.retirement
  }

  /// - Parameter old: what is there already.
  private func keep(_ summary: SealedSummary, after old: WindowStore.Sealed?) {
    let index = summary.device.index
    // Also where no window before this one holds what the device carries: an earlier version cut them anew.
    let holdsCarries = summary.hasEntries || lastCarries[index] == nil && !summary.carries.isEmpty
    if holdsCarries { lastCarries[index] = summary.start }
    write(summary, carriesFrom: lastCarries[index], after: old)
    keepDevice(
      DeviceTrack(
        device: summary.device, isActive: summary.isActive, lastHeard: summary.lastHeard, carries: summary.carries))
  }

  /// Writes down a computed window, and sends what is new of it.
  func write(_ summary: SealedSummary, carriesFrom: Timestamp?, after old: WindowStore.Sealed?) {
    let length = summary.end - summary.start
    let frame = Output.Frame(length: length, start: summary.start)
    let isNews = summary.digest != old?.digest ?? 0
    let before = old?.revision ?? revisionBefore(summary.start)
    let revision = isNews ? before + 1 : before
    let isShortest = length == settings.windows.length
    let holdsCarries = summary.hasEntries || carriesFrom == summary.start
    let sealed = WindowStore.Sealed(
      revision: revision, digest: summary.digest, quality: summary.quality, heard: summary.lastHeard,
      carries: isShortest && holdsCarries && !summary.isGroup ? encode(summary.carries) : nil,
      carriesFrom: isShortest && !holdsCarries ? carriesFrom : nil,
      content: keeps(summary) ? packed(summary.content, summary.start) : nil)
    if summary.isGroup {
      output.put(sealed, frame, group: summary.device.name)
    } else {
      output.put(sealed, frame, device: summary.device.index)
      if isShortest {
        noteFirst(summary.start, summary.device)
        noteAhead(summary.start)
      }
    }
    guard isNews else { return }
    let json = summary.json(revision: revision) ?? summary.void(revision: revision)
    output.records.append((.summary, json))
    observer?.note(summary, json)
    if revision > 0 { counts.revisions += 1 } else { counts.sealed += 1 }
  }

  private func keeps(_ summary: SealedSummary) -> Bool {
    guard summary.hasRecord, !summary.isGroup else { return false }
    if summary.content.isPartial || !settings.rollups.isEmpty || settings.keepsContents { return true }
    return summary.end - summary.start != settings.windows.lengths.last
  }

  /// Where a window may have been forgotten with its revision, the journal's position is higher than any that it had.
  private func revisionBefore(_ start: Timestamp) -> Int {
    if let forgotten, start < forgotten { return Int(position) }
    return -1
  }

  private func noteFirst(_ start: Timestamp, _ device: Device) {
    if let first = firstWindows[device.index], first <= start { return }
    firstWindows[device.index] = start
    movedFirstWindows.insert(device.index)
  }

  private func noteAhead(_ start: Timestamp) {
    guard let through = windows.sealedThrough, start >= through, !computedAhead.contains(start) else { return }
    computedAhead.insert(start, at: computedAhead.firstIndex { $0 > start } ?? computedAhead.endIndex)
  }

  /// A device's own row changes when it comes, when it goes, and while it is gone.
  func keepDevice(_ track: DeviceTrack) {
    let index = track.device.index
    if track.isActive, knownActive.contains(index) { return }
    if track.isActive { knownActive.insert(index) } else { knownActive.remove(index) }
    output.devices[index] = Output.DeviceChange(
      device: track.device, isActive: track.isActive, lastHeard: track.lastHeard,
      carries: track.isActive ? nil : encode(track.carries))
  }

  // MARK: Encoding

  func encode(_ carries: Carries) -> [UInt8] {
    carries.packed(at: Timestamp(nanoseconds: 0), seriesOf: { registry.series[$0] }, place: { lists.place(of: $0) })
  }

  func carries(packed bytes: [UInt8], of device: Device) -> Carries? {
    Carries(packed: bytes, at: Timestamp(nanoseconds: 0), list: lists.list(of: device))
      ?? CarryCoding.decode(bytes, device: device, registry: registry)
  }

  func packed(_ content: WindowContent, _ start: Timestamp) -> [UInt8] {
    content.packed(from: start, place: { lists.place(of: $0) })
  }

  func content(of sealed: WindowStore.Sealed, _ start: Timestamp, _ device: Device) -> WindowContent? {
    sealed.content.flatMap { WindowContent(packed: $0, from: start, list: lists.list(of: device)) }
  }

  // MARK: What was written, or is going to be

  func sealed(_ frame: Output.Frame, _ device: Device) throws -> WindowStore.Sealed? {
    if let unwritten = output.windows[frame]?[device.index] { return unwritten }
    return try deviceRows[device.index].flatMap { try WindowStore.window(frame, $0, stored) }
  }

  /// All devices' windows of this frame, by `Device.index`.
  func sealedWindows(_ frame: Output.Frame) throws -> [Int: WindowStore.Sealed] {
    var found: [Int: WindowStore.Sealed] = [:]
    try WindowStore.windows(frame.length, frame.start..<frame.start + Span(nanoseconds: 1), stored) { _, row, sealed in
      if let device = devicesByRow[row] { found[device.index] = sealed }
    }
    for (index, sealed) in output.windows[frame] ?? [:] { found[index] = sealed }
    return found
  }

  /// The device's last window before `start`, however long before.
  func sealed(before start: Timestamp, _ device: Device) throws -> (start: Timestamp, sealed: WindowStore.Sealed)? {
    guard let first = firstWindows[device.index], first < start else { return nil }
    let length = settings.windows.length
    if let adjacent = try sealed(frame(start - length), device), !adjacent.isVoid { return (start - length, adjacent) }
    let unwritten = unwrittenStarts(device).filter { $0 < start }.max()
    let written = try deviceRows[device.index].flatMap {
      try WindowStore.neighbour(of: start, before: true, length, $0, stored)
    }
    guard let found = [unwritten, written].compactMap(\.self).max() else { return nil }
    guard let sealed = try sealed(frame(found), device) else { return nil }
    // Taken back a moment ago: what is before it?
    return sealed.isVoid ? try self.sealed(before: found, device) : (found, sealed)
  }

  private func unwrittenStarts(_ device: Device) -> [Timestamp] {
    output.windows.compactMap { frame, windows in
      guard frame.length == settings.windows.length, let own = windows[device.index], !own.isVoid else { return nil }
      return frame.start
    }
  }

  /// The device's next window after `start`, however long after.
  func next(after start: Timestamp, _ device: Device) throws -> Timestamp? {
    let length = settings.windows.length
    let unwritten = unwrittenStarts(device).filter { $0 > start }.min()
    let written = try deviceRows[device.index].flatMap {
      try WindowStore.neighbour(of: start, before: false, length, $0, stored)
    }
    guard let found = [unwritten, written].compactMap(\.self).min() else { return nil }
    return try sealed(frame(found), device)?.isVoid ?? true ? try next(after: found, device) : found
  }

  /// What a sealed window hands on.
  func carries(after sealed: WindowStore.Sealed, _ device: Device) throws -> Carries {
    var blob = sealed.carries
    if blob == nil, let from = sealed.carriesFrom { blob = try self.sealed(frame(from), device)?.carries }
    return blob.flatMap { carries(packed: $0, of: device) } ?? [:]
  }
}

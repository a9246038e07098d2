import Alarms
import Decoding
import Journal
import Telemetry
import Windows

extension Deriver {
  /// A trusted clock that is set back by less than this is no other time: its readings are late, if anything.
  private static let smallStep = Span.minutes(1)

  /// What a segment's clock says, before its messages are taken.
  func note(_ segment: Segment) throws {
    let latest = watermark.nanoseconds == .min ? nil : watermark
    if segment.clock.boot == clocks.boot, segment.clock.sinceBoot > since {
      running.nanoseconds += segment.clock.sinceBoot.nanoseconds - since.nanoseconds
    }
    since = segment.clock.sinceBoot
    let run = clocks.pass(segment.id, segment.clock, latest: latest)
    if let run { output.clockRuns.insert(clocks.runs[run].first) }
    let isMended = run.map { clocks.runs[$0].isPending } ?? false
    let clock = clock(of: segment)
    let isSetBack =
      clock.quality == .trusted && latest.map { clock.time < $0 - Deriver.smallStep } ?? false
    guard isMended || isSetBack else { return }
    try commit()
    let through = windows.sealedThrough
    if isSetBack {
      watermark = clock.time
      mendingWaits = nil
      alarms.setBack(to: clock.time)
      wholeAgain(from: clock.time)
      try rewind(to: (clock.time - settings.windows.grace).floored(to: settings.windows.length))
    }
    try rebuild(isRewound: windows.sealedThrough != through)
    try commit()
  }

  // MARK: Time went wrong

  /// Windows from `start` on are not over after all. Those with messages stay, and are computed again when their time
  /// comes; those without are taken back.
  private func rewind(to start: Timestamp) throws {
    guard let through = windows.sealedThrough, start < through else { return }
    windows.rewind(to: start)
    for length in settings.windows.longer {
      if let sealed = sealedLonger[length] {
        sealedLonger[length] = min(sealed, start.floored(to: length))
      }
    }
    computedAhead = try WindowStore.starts(settings.windows.length, from: start, stored)
    var changed: [Timestamp: Set<Int>] = [:]
    for window in computedAhead {
      for (index, sealed) in try sealedWindows(frame(window)) where sealed.hasRecord {
        if let heard = sealed.heard, heard >= window { continue }
        let device = registry.devices[index]
        let before = try self.sealed(before: window, device)
        let summary = windows.summarise(
          device, window, readings: nil, carries: [:], heardBefore: sealed.heard,
          silence: sealed.quality,
          mayBeSilent: false)
        write(
          summary,
          carriesFrom: before.flatMap {
            $0.sealed.carries == nil ? $0.sealed.carriesFrom : $0.start
          }, after: sealed)
        changed[window, default: []].insert(index)
      }
    }
    try reviseAbove(changed)
  }

  /// Sets up the open windows and what they count from anew, from what is written down and from the journal.
  private func rebuild(isRewound: Bool) throws {
    guard let through = windows.sealedThrough else { return }
    let first = min(windows.oldestOpenSegment ?? .max, position + 1)
    let tracks = registry.devices.compactMap { windows.track(of: $0) }
    // Who has long been silent stays so; to look for his last window takes long.
    windows.restore(sealedThrough: through, tracks: isRewound ? [] : tracks.filter { !$0.isActive })
    for track in tracks where isRewound || track.isActive { try self.track(track.device) }
    computedAhead = try WindowStore.starts(settings.windows.length, from: through, stored)
    try replay(from: first)
  }

  /// Reads the open windows' messages again, up to the position. Nothing is counted, judged or sealed: that was done.
  func replay(from first: Int64) throws {
    guard first <= position, let sealedThrough = windows.sealedThrough else { return }
    let runs = clocks
    try reread(first...position) { observations, context, quarantined in
      recall(observations, context)
      // These are on their way to other windows.
      guard !runs.isPending(context.segment) else { return }
      if let quarantined {
        if context.receivedAt >= sealedThrough { _ = windows.quarantine(quarantined, context) }
      } else {
        _ = windows.add(observations, context)
      }
    }
    for released in windows.release(at: watermark) {
      for device in released.devices {
        late.note(released.start, device.name, segment: released.segments.lowerBound, now: now)
        late.note(released.start, device.name, segment: released.segments.upperBound, now: now)
      }
      hold(from: released.start)
    }
    // What was to be asked then was asked then.
    _ = decoder.takeRebirthRequests()
  }

  /// When devices were last heard: what followed from it was done then.
  private func recall(_ observations: [Observation], _ context: MessageContext) {
    guard !context.retained else { return }
    for observation in observations where !windows.isTooLate(observation, context) {
      alarms.recall(observation, received: context.receivedAt, segment: context.segment)
      alarms.recallHeard(observation.series.device, at: context.receivedAt, segment: context.segment)
    }
  }

  // MARK: Time is known

  /// Messages are no further ahead of the clock than windows wait for them in memory.
  private var longestMendingWait: Span {
    Span(
      nanoseconds: Span.minutes(10).nanoseconds + settings.windows.length.nanoseconds
        + settings.windows.grace.nanoseconds)
  }

  /// Mends what waits for it, piece by piece, each in one transaction: the windows that lose its messages, and those that
  /// gain them.
  ///
  /// - Returns: whether nothing waits any more. Until then no window may be sealed: messages are on their way to it.
  func mendPending() throws -> Bool {
    while let index = clocks.pending {
      if let wait = mendingWaits, watermark < wait { return false }
      let run = clocks.runs[index]
      let first = run.mendedThrough + 1
      let last = min(run.end - 1, run.mendedThrough + segmentsPerPiece)
      var touched = LateReadings()
      try place(first...last, in: &touched, isGain: false)
      clocks.mend(index, through: last)
      var over = Timestamp(nanoseconds: .min)
      try place(first...last, in: &touched, isGain: true) { over = max(over, $0) }
      over = over + settings.windows.length + settings.windows.grace
      // Where the clock was set back since, those windows are years away.
      guard watermark >= over || over > watermark + longestMendingWait else {
        clocks.mend(index, through: run.mendedThrough)
        mendingWaits = over
        return false
      }
      mendingWaits = nil
      try commit()
      clocks.mend(index, through: last)
      try recompute(touched)
      output.clockRuns.insert(run.first)
      try commit()
    }
    mendingWaits = nil
    return true
  }

  /// Notes in which windows the messages of some segments lie by the clock as it is known now.
  private func place(
    _ range: ClosedRange<Int64>, in touched: inout LateReadings, isGain: Bool,
    visit: (Timestamp) -> Void = { _ in }
  ) throws {
    var found = touched
    try arrivals(range) { start, device, arrival in
      let name = registry.devices[device].name
      if isGain {
        found.note(start, name, segment: arrival.message.segment, now: now)
      } else {
        found.note(start, name, now: now)
      }
      visit(start)
    }
    touched = found
  }
}

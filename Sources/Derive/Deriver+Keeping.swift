import Alarms
import Journal
import SQLite
import Telemetry
import Windows

extension Deriver {
  func cursor(_ rawNeededFrom: Int64) -> DeriveStore.Cursor {
    DeriveStore.Cursor(
      epoch: journal.uuid, position: position, replayFrom: rawNeededFrom, watermark: watermark,
      sealedThrough: windows.sealedThrough, length: settings.windows.length, longer: longer,
      late: late, ahead: ahead,
      boot: clocks.boot, vouchedOffset: clocks.vouchedOffset, isInRun: clocks.isInRun,
      running: running, since: since,
      forgotten: forgotten, wholeFrom: windows.wholeFrom, listening: alarms.listeningSince)
  }

  /// Where nothing is known of what was derived before, and messages from before are deleted, the first windows that
  /// can be derived are those of which every message is there: what is made of a part would replace what was sent.
  func beginWhole(_ first: Int64, _ clock: SegmentClock) {
    // Ids may leap where nothing was deleted.
    guard first > 1, journal.hadMessages(before: first) else { return }
    let from = nextWhole(clock.time)
    windows.wholeFrom = from
    windows.restore(sealedThrough: from, tracks: [])
  }

  /// What a device carries that is heard again after its retirement: its own row is about to say something else, and the
  /// window in which it was heard last may be forgotten. Late readings revise this one from there.
  func keepReturning(_ due: WindowEngine.Due) throws {
    for index in due.heard {
      let device = registry.devices[index]
      guard let track = windows.track(of: device), !track.isActive, let heard = track.lastHeard else { continue }
      let before = frame(heard.floored(to: settings.windows.length))
      guard before.start < due.start, try sealed(before, device) == nil else { continue }
      output.put(WindowStore.Sealed(anchor: encode(track.carries), heard: heard), before, device: index)
    }
  }

  /// Late readings reach back so far, and a silent device's carries at most until it is retired. Longer windows are made
  /// anew of all their parts.
  func forgetOld(_ database: Database) throws {
    guard let through = windows.sealedThrough else { return }
    let kept = max(settings.windows.lateness, settings.windows.retirement)
    let oldest = through - kept - settings.windows.length
    let lengths = settings.windows.lengths
    for (level, length) in lengths.enumerated() {
      let whole = oldest.floored(to: lengths[min(level + 1, lengths.count - 1)])
      try WindowStore.forget(length, before: whole, writtenBefore: running - kept, database)
      if level == 0 { try WindowStore.forgetSources(length, before: whole, database) }
    }
    forgotten = max(forgotten ?? oldest, oldest)
  }
}

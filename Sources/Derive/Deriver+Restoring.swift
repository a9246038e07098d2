import Alarms
import Decoding
import Journal
import Outbox
import Telemetry
import Windows

extension Deriver {
  /// Takes up where the outbox says that an earlier process left off.
  func restore() throws {
    longer = settings.windows.longer.map { DeriveStore.Longer(length: $0, from: Timestamp(nanoseconds: .min)) }
    var cursor = try DeriveStore.cursor(stored)
    if let known = cursor, known.epoch != journal.uuid {
      // Another journal: its windows and ids mean nothing here. Derive from its first segment on.
      try outbox.transaction { try DeriveStore.forgetWindows($0.database) }
      cursor = nil
    }
    let rows = try DeriveStore.devices(stored, registry: registry)
    for row in rows {
      deviceRows[row.device.index] = row.id
      devicesByRow[row.id] = row.device
      if let series = row.series { lists.restore(series, of: row.device, registry: registry) }
      if cursor != nil { firstWindows[row.device.index] = row.since ?? Timestamp(nanoseconds: .min) }
    }
    groupRows = try WindowStore.groups(stored)
    guard let cursor else { return }
    position = cursor.position
    decoder.restore(try MemoryStore.load(stored), through: Deriver.sequence(position + 1, 0) - 1)
    watermark = cursor.watermark
    late = cursor.late
    ahead = cursor.ahead
    running = cursor.running
    since = cursor.since
    forgotten = cursor.forgotten
    windows.wholeFrom = cursor.wholeFrom
    clocks = ClockRuns(
      trustsAll: settings.trustsClock, runs: try DeriveStore.clockRuns(stored), boot: cursor.boot,
      vouchedOffset: cursor.vouchedOffset, isInRun: cursor.isInRun)
    for start in late.windows.union(ahead.windows).map(\.start) { hold(from: start) }
    var replayFrom = cursor.replayFrom
    if var through = cursor.sealedThrough {
      if cursor.length != settings.windows.length {
        let last = through - cursor.length
        // The configuration cuts windows anew: the first of the new ones may reach back into what was sealed.
        through = through.floored(to: settings.windows.length)
        let sources = try WindowStore.sources(from: through, stored)
        replayFrom = min(replayFrom, sources ?? replayFrom)
        (late, ahead, held) = (LateReadings(), LateReadings(.ahead), nil)
        try cutAnew(rows, cursor, last: last, before: through)
      } else {
        windows.restore(sealedThrough: through, tracks: try rows.compactMap { try track($0, before: through) })
        computedAhead = try WindowStore.starts(settings.windows.length, from: through, stored)
      }
      try restoreLonger(cursor, through)
    }
    try restoreAlarms(rows, cursor)
    try replay(from: replayFrom)
    for row in rows where row.isActive { alarms.watch(row.device, from: watermark) }
    try sealDue(quality: settings.trustsClock ? .trusted : .untrusted)
  }

  private func track(_ row: DeriveStore.DeviceRow, before through: Timestamp) throws -> DeviceTrack? {
    let device = row.device
    if row.isActive { knownActive.insert(device.index) }
    guard row.isActive, let last = try sealed(before: through, device) else {
      // It is gone, or an earlier version cut the windows anew, and none has followed yet: what it carries is in its own
      // row.
      return DeviceTrack(
        device: device, isActive: row.isActive, lastHeard: row.lastHeard,
        carries: row.carries.flatMap { carries(packed: $0, of: device) } ?? [:])
    }
    lastCarries[device.index] = last.sealed.carries == nil ? last.sealed.carriesFrom : last.start
    return DeviceTrack(
      device: device, isActive: true, lastHeard: last.sealed.heard, carries: try carries(after: last.sealed, device))
  }

  /// Windows of another length are no help to these. What the devices carry moves to their own rows, and to a window of
  /// the new length without a record, where they were heard last: late readings revise the first new one from there.
  private func cutAnew(
    _ rows: [DeriveStore.DeviceRow], _ cursor: DeriveStore.Cursor, last: Timestamp, before through: Timestamp
  ) throws {
    let old = cursor.length
    var tracks: [DeviceTrack] = []
    for row in rows {
      let device = row.device
      var track = DeviceTrack(device: device, isActive: row.isActive, lastHeard: row.lastHeard)
      var blob = row.carries
      if row.isActive, let sealed = try WindowStore.window(Output.Frame(length: old, start: last), row.id, stored) {
        track.lastHeard = sealed.heard
        blob = sealed.carries
        if blob == nil, let from = sealed.carriesFrom {
          blob = try WindowStore.window(Output.Frame(length: old, start: from), row.id, stored)?.carries
        }
      }
      track.carries = blob.flatMap { carries(packed: $0, of: device) } ?? [:]
      track.carries = track.carries.filter { $0.value.time < through }
      if row.isActive { knownActive.insert(device.index) }
      tracks.append(track)
    }
    windows.restore(sealedThrough: through, tracks: tracks)
    let length = settings.windows.length
    let anchors = tracks.map { frame(min($0.lastHeard?.floored(to: length) ?? through, through - length)) }
    lastCarries = Dictionary(uniqueKeysWithValues: zip(tracks.map(\.device.index), anchors.map(\.start)))
    firstWindows = lastCarries
    let encoded = tracks.map { encode($0.carries) }
    try outbox.transaction { transaction in
      let database = transaction.database
      try WindowStore.keepOnly([], database)
      for (position, track) in tracks.enumerated() {
        let carries = encoded[position]
        let row = try DeriveStore.save(
          track.device, active: track.isActive, lastHeard: track.lastHeard, carries: carries, database)
        try DeriveStore.save(series: lists.encoded(track.device.index), of: row, database)
        let sealed = WindowStore.Sealed(anchor: carries, heard: track.lastHeard)
        try WindowStore.save(sealed, anchors[position], row, written: running, database)
      }
    }
  }

  /// Lengths that are new begin with the first window that has all its parts.
  private func restoreLonger(_ cursor: DeriveStore.Cursor, _ through: Timestamp) throws {
    let isSameCut = cursor.length == settings.windows.length
    for (level, length) in settings.windows.longer.enumerated() {
      if isSameCut, let known = cursor.longer.first(where: { $0.length == length }),
        Array(cursor.longer.prefix(level + 1).map(\.length)) == Array(settings.windows.longer.prefix(level + 1))
      {
        longer[level] = known
        sealedLonger[length] = through.floored(to: length)
      } else {
        let whole = (through + length - Span(nanoseconds: 1)).floored(to: length)
        longer[level].from = level > 0 ? max(whole, longer[level - 1].from.floored(to: length)) : whole
        sealedLonger[length] = whole
      }
    }
    if isSameCut, cursor.longer.map(\.length) != settings.windows.longer {
      try outbox.transaction { try WindowStore.keepOnly(settings.windows.lengths, $0.database) }
    }
  }

  private func restoreAlarms(_ rows: [DeriveStore.DeviceRow], _ cursor: DeriveStore.Cursor) throws {
    let devices = Dictionary(rows.map { ($0.id, $0.device) }) { first, _ in first }
    alarms.restore(
      try AlarmStore.quiet(stored, devices: devices, registry: registry), listeningSince: cursor.listening)
    let snapshots = try AlarmStore.load(stored, devices: devices, registry: registry)
    let (gone, transitions) = alarms.restore(snapshots, at: watermark)
    output.goneAlarms = gone
    add(transitions)
  }
}

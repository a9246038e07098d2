import Alarms
import Decoding
import Journal
import Outbox
import Telemetry
import Windows

extension Deriver {
  /// Takes up where the outbox says that an earlier process left off.
  func restore() throws {
    var cursor = try DeriveStore.cursor(stored)
    if let known = cursor, known.epoch != journal.uuid {
      // Another journal: its windows and ids mean nothing here. Derive from its first segment on.
      try outbox.transaction { try DeriveStore.forgetWindows($0.database) }
      cursor = nil
    }
    let rows = try DeriveStore.devices(stored, registry: registry)
    for row in rows { deviceRows[row.device.index] = row.id }
    guard let cursor else { return }
    decoder.restore(try MemoryStore.load(stored))
    position = cursor.position
    watermark = cursor.watermark
    late = cursor.late
    if let oldest = late.windows.map(\.start).min() { hold(from: oldest) }
    var replayFrom = cursor.replayFrom
    if var through = cursor.sealedThrough {
      let sameLength = cursor.length == settings.windows.length
      let last = through - cursor.length
      if !sameLength {
        // The configuration cuts windows anew: the first of the new ones may reach back into what was sealed.
        through = through.floored(to: settings.windows.length)
        let sources = try DeriveStore.sources(from: through, stored)
        replayFrom = min(replayFrom, sources ?? replayFrom)
        late = LateReadings()
        held = nil
      }
      let tracks = try tracks(rows, lastSealed: last, before: through)
      windows.restore(sealedThrough: through, tracks: tracks)
      if !sameLength { try forgetSealed(tracks) }
    }
    try restoreAlarms(rows)
    try replay(from: replayFrom)
    try sealDue(quality: settings.trustsClock ? .trusted : .untrusted)
  }

  /// Windows of another length are no help to these. What the devices carry moves to their own rows.
  private func forgetSealed(_ tracks: [DeviceTrack]) throws {
    lastCarries = [:]
    try outbox.transaction { transaction in
      for track in tracks {
        _ = try DeriveStore.save(
          track.device, active: track.isActive, lastReading: track.lastReading, carries: encode(track.carries),
          transaction.database)
      }
      try DeriveStore.forgetSealed(transaction.database)
    }
  }

  private func tracks(
    _ rows: [DeriveStore.DeviceRow], lastSealed: Timestamp, before: Timestamp
  ) throws -> [DeviceTrack] {
    try rows.map { row in
      var track = DeviceTrack(
        device: row.device, isActive: row.isActive, lastReading: row.lastReading, carries: row.carries)
      if row.isActive, let sealed = try DeriveStore.sealed(lastSealed, row.id, stored) {
        track.lastReading = sealed.lastReading
        track.carries = try carries(after: sealed, row.id, row.device)
        lastCarries[row.device.index] = sealed.carries == nil ? sealed.carriesFrom : lastSealed
      }
      track.carries = track.carries.filter { $0.value.time < before }
      return track
    }
  }

  /// What a sealed window hands on.
  func carries(after sealed: DeriveStore.Sealed, _ row: Int64, _ device: Device) throws -> Carries {
    var blob = sealed.carries
    if blob == nil, let from = sealed.carriesFrom { blob = try DeriveStore.sealed(from, row, stored)?.carries }
    return blob.flatMap { CarryCoding.decode($0, device: device, registry: registry) } ?? [:]
  }

  private func restoreAlarms(_ rows: [DeriveStore.DeviceRow]) throws {
    let devices = Dictionary(rows.map { ($0.id, $0.device) }) { first, _ in first }
    let snapshots = try AlarmStore.load(stored, devices: devices, registry: registry)
    let (gone, transitions) = alarms.restore(snapshots, at: watermark)
    output.goneAlarms = gone
    add(transitions)
    for row in rows where row.isActive { alarms.watch(row.device) }
  }

  /// Reads the open windows' messages again, up to the position. Nothing is counted, judged or sealed: that was done.
  private func replay(from first: Int64) throws {
    guard first <= position, let sealedThrough = windows.sealedThrough else { return }
    try reread(first...position) { observations, context in
      for observation in observations where observation.time >= sealedThrough {
        _ = windows.add(observation, context)
      }
    }
    // What was to be asked then was asked then.
    _ = decoder.takeRebirthRequests()
  }
}

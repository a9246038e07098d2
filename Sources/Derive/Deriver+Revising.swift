import Journal
import Telemetry
import Windows

extension Deriver {
  /// What a window that was computed again hands on to the next.
  private struct Handover {
    var summary: SealedSummary
    /// The window whose row holds the carries.
    var carriesFrom: Timestamp?
  }

  /// Keeps the messages of this window and the following ones until they are computed again.
  func hold(from start: Timestamp) {
    if let held, held.start <= start { return }
    let written = (try? DeriveStore.sources(from: start, stored)).flatMap(\.self) ?? .max
    let unwritten = output.sources.filter { $0.start >= start }.map(\.segments.lowerBound).min() ?? .max
    held = (start, min(written, unwritten))
  }

  /// Computes again every window for which late readings came, and those after them that count from what these carry on.
  ///
  /// Window by window in order of time, since a window's figures count from the one before. A computation that changes
  /// nothing writes nothing.
  func revise() throws {
    // What was derived must be where it is looked up.
    try commit()
    var pending: [Timestamp: Set<Int>] = [:]
    for window in late.windows {
      guard let device = registry.device(named: window.device) else { continue }
      pending[window.start, default: []].insert(device.index)
    }
    for (start, segments) in late.segments { output.sources.append(Output.Source(start: start, segments: segments)) }
    var handovers: [Int: Handover] = [:]
    var unrevised = 0
    while let start = pending.keys.min(), let devices = pending.removeValue(forKey: start) {
      let next = start + settings.windows.length
      var sources = try DeriveStore.sources(start, stored)
      if let more = late.segments[start] { sources.append(more) }
      let arrivals = try sources.isEmpty ? [:] : collect(start, devices, from: sources)
      // Asked after the reading, for messages are deleted at any moment. From a part of them a record would come out
      // that says less than the one that was sent.
      if let first = sources.map(\.lowerBound).min(), first < journal.oldestID {
        unrevised += 1
        if let segments = late.segments[start] {
          counts.tooLate += try collect(start, devices, from: [segments]).values.reduce(0) { $0 + Int64($1.count) }
        }
        continue
      }
      for index in devices.sorted() {
        let changed = try revise(registry.devices[index], start, arrivals[index], &handovers[index])
        if changed, let through = windows.sealedThrough, next < through { pending[next, default: []].insert(index) }
      }
    }
    // The open windows count from the last sealed one.
    for (index, handover) in handovers
    where handover.summary.start + settings.windows.length == windows.sealedThrough {
      keepDevice(handover.summary)
      windows.revise(handover.summary)
      lastCarries[index] = handover.carriesFrom
    }
    late = LateReadings()
    held = nil
    try commit()
    if unrevised > 0 {
      let cure = "raise max_size or raw_retention"
      report("\(unrevised) windows stay without late readings: their messages are deleted already; \(cure)")
    }
  }

  /// - Parameter handover: from the device's window that was computed last; of this one afterwards.
  /// - Returns: whether the next window counts from something else now.
  private func revise(
    _ device: Device, _ start: Timestamp, _ arrivals: [Recomputation.Reading]?, _ handover: inout Handover?
  ) throws -> Bool {
    let row = deviceRows[device.index]
    let old = try row.flatMap { try DeriveStore.sealed(start, $0, stored) }
    var carries: Carries = [:]
    var lastReading: Timestamp?
    var carriesFrom: Timestamp?
    if let handover, handover.summary.start + settings.windows.length == start {
      carries = handover.summary.carries
      lastReading = handover.summary.lastReading
      carriesFrom = handover.carriesFrom
    } else if let row, let before = try DeriveStore.sealed(before: start, row, stored) {
      carries = try self.carries(after: before.sealed, row, device)
      lastReading = before.sealed.lastReading
      carriesFrom = before.sealed.carries == nil ? before.sealed.carriesFrom : before.start
    }
    let readings = arrivals.map { Recomputation(device: device, arrivals: $0, carries: carries) }
    let silence: TimeQuality = old?.isUntrusted ?? !settings.trustsClock ? .untrusted : .trusted
    let summary = windows.summarise(
      device, start, readings: readings, carries: carries, lastReading: lastReading, silence: silence)
    if summary.hasEntries { carriesFrom = start }
    handover = Handover(summary: summary, carriesFrom: carriesFrom)
    // A window without anything, of a device that was not known then: the chain ends here.
    guard summary.hasRecord || summary.hasEntries || old != nil else { return false }
    if let old, let row, old.digest == summary.digest {
      if old.lastReading == summary.lastReading, try self.carries(after: old, row, device) == summary.carries {
        return false
      }
      output.sealed.append(sealedRow(summary, revision: old.revision, carriesFrom: carriesFrom))
      return true
    }
    let revision = (old?.revision ?? -1) + 1
    output.sealed.append(sealedRow(summary, revision: revision, carriesFrom: carriesFrom))
    if let json = summary.json(revision: revision) {
      output.records.append((.summary, json))
      if revision > 0 { counts.revisions += 1 } else { counts.sealed += 1 }
    }
    return true
  }
}

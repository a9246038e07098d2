import Decoding
import Journal
import Telemetry
import Threads
import Windows

extension Deriver {
  /// Seals every window that the watermark has passed, in order.
  func sealDue(quality: TimeQuality) throws {
    while let due = windows.nextDue(at: watermark) {
      var recomputed: [Recomputation] = []
      if !due.disordered.isEmpty, let segments = due.segments {
        let arrivals = try collect(due.start, Set(due.disordered.map(\.index)), from: [segments])
        for device in due.disordered {
          recomputed.append(
            Recomputation(
              device: device, arrivals: arrivals[device.index] ?? [],
              carries: windows.track(of: device)?.carries ?? [:]))
        }
      }
      for summary in windows.seal(due, recomputed: recomputed, quality: quality) { keep(summary) }
      if let segments = due.segments { output.sources.append(Output.Source(start: due.start, segments: segments)) }
      if output.isFull { try commit() }
    }
  }

  private func keep(_ summary: SealedSummary) {
    let index = summary.device.index
    lastCarries[index] = summary.hasEntries ? summary.start : lastCarries[index]
    output.sealed.append(sealedRow(summary, revision: 0, carriesFrom: lastCarries[index]))
    if let json = summary.json(revision: 0) {
      output.records.append((.summary, json))
      counts.sealed += 1
    }
    keepDevice(summary)
  }

  /// - Parameter carriesFrom: the window whose row holds what this one hands on.
  func sealedRow(_ summary: SealedSummary, revision: Int, carriesFrom: Timestamp?) -> Output.SealedRow {
    Output.SealedRow(
      start: summary.start, device: summary.device,
      sealed: DeriveStore.Sealed(
        revision: summary.hasRecord ? revision : -1, digest: summary.digest,
        isUntrusted: summary.quality == .untrusted, lastReading: summary.lastReading,
        carries: summary.hasEntries ? encode(summary.carries) : nil,
        carriesFrom: summary.hasEntries ? nil : carriesFrom))
  }

  /// A device's own row changes when it comes, when it goes, and when a retained state is all that is known of it.
  func keepDevice(_ summary: SealedSummary) {
    guard summary.isActive != summary.wasActive || !summary.isActive else { return }
    output.devices[summary.device.index] = Output.DeviceChange(
      device: summary.device, isActive: summary.isActive, lastReading: summary.lastReading,
      carries: summary.isActive ? nil : encode(summary.carries))
  }

  func encode(_ carries: Carries) -> [UInt8] { CarryCoding.encode(carries) { registry.series[$0] } }

  /// The readings of some devices in one window, from the journal, in the order in which they came.
  func collect(
    _ start: Timestamp, _ devices: Set<Int>, from ranges: [ClosedRange<Int64>]
  ) throws -> [Int: [Recomputation.Reading]] {
    let end = start + settings.windows.length
    var readings: [Int: [Recomputation.Reading]] = [:]
    for range in Deriver.merged(ranges) {
      try reread(range, only: devices) { observations, context in
        for observation in observations
        where observation.time >= start && observation.time < end
          && devices.contains(observation.series.device.index)
          && !windows.isTooLate(observation, context)
        {
          readings[observation.series.device.index, default: []].append(Recomputation.Reading(observation, context))
        }
      }
    }
    return readings
  }

  /// Reads a run of segments again and decodes their messages. Nothing is counted; damaged segments are told and
  /// passed over.
  ///
  /// - Parameter devices: leave out messages of which the topic alone says that they are of others: most then need no
  ///   decoding.
  func reread(
    _ range: ClosedRange<Int64>, only devices: Set<Int>? = nil, _ body: ([Observation], MessageContext) -> Void
  ) throws {
    var observations: [Observation] = []
    var after = range.lowerBound - 1
    while after < range.upperBound {
      let items = try journal.segments(after: after, through: range.upperBound)
      guard !items.isEmpty else { return }
      for item in items {
        heartbeat.beat()
        after = item.id
        guard case .segment(let segment) = item else {
          if case .damaged(let id, let reason) = item { damaged(id, reason) }
          continue
        }
        let quality = quality(of: segment.clock)
        var index: Int64 = -1
        segment.forEach { message in
          index += 1
          if let devices, let device = decoder.device(ofTopic: message.topic), !devices.contains(device.index) {
            return
          }
          observations.removeAll(keepingCapacity: true)
          _ = decode(message, segment.id, index, quality, into: &observations)
          body(observations, context(message, segment.id, index, quality))
        }
      }
    }
  }

  /// Ascending, without overlaps: a segment is read once.
  static func merged(_ ranges: [ClosedRange<Int64>]) -> [ClosedRange<Int64>] {
    var merged: [ClosedRange<Int64>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = merged.last, range.lowerBound <= last.upperBound + 1 {
        merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    return merged
  }
}

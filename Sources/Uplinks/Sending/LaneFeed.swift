import Outbox
import Telemetry

/// Chooses what a connection sends next: live summaries and status, then the backlog, then backfill; or, where the
/// definition wants the oldest first, each lane in the order of its numbers.
///
/// What is live and what is backlog is told by a mark for each lane: the newest number when an outage ended.
final class LaneFeed {
  enum Choice {
    case batch(Batch, Urgency)
    /// There is something, but none of it may go before so long.
    case hold(Span, TrafficLimits.Hold?)
    case nothing
  }

  private enum Kind {
    case live, backlog, everything
  }

  private struct Section {
    let lane: Lane
    let kind: Kind
    /// Read and not yet sent.
    var buffer: [Batch] = []
    /// The work mark under which it was found empty.
    var emptyAt: UInt64?
  }

  /// Fewer than so many batches are sent as if there had been no outage.
  private static let backlogBatches = 4

  private let outbox: Outbox
  private let destination: String
  private var sections: [Section]
  private var marks: [Lane: Outbox.Mark] = [:]

  init(outbox: Outbox, definition: UplinkDefinition, lanes: [Lane]) {
    self.outbox = outbox
    destination = definition.name
    let split = lanes.filter { $0 == .summary || $0 == .status }
    let whole = lanes.filter { !split.contains($0) }
    switch definition.drain {
    case .liveFirst:
      sections =
        split.map { Section(lane: $0, kind: .live) } + split.map { Section(lane: $0, kind: .backlog) }
    case .oldestFirst:
      sections = split.map { Section(lane: $0, kind: .everything) }
    }
    sections += whole.map { Section(lane: $0, kind: .everything) }
  }

  /// An outage is over, or the process has begun: what waits now is backlog.
  func recogniseBacklog() throws {
    let backlog = try outbox.backlog(for: destination)
    marks = [:]
    for lane in Set(sections.map(\.lane)) where lane == .summary || lane == .status {
      guard let waiting = backlog.first(where: { $0.lane == lane }), waiting.batches > LaneFeed.backlogBatches else {
        continue
      }
      marks[lane] = try outbox.newest(for: destination, lane: lane)
    }
    clear()
  }

  /// What was read ahead is no longer right: something was halved, say.
  func clear() {
    for index in sections.indices {
      sections[index].buffer.removeAll()
      sections[index].emptyAt = nil
    }
  }

  /// What wasn't taken goes first again; where `later`, after what else was read ahead.
  func putBack(_ batch: Batch, _ urgency: Urgency, later: Bool = false) {
    let kind: Kind = urgency == .backlog ? .backlog : .live
    guard
      let index = sections.firstIndex(where: {
        $0.lane == batch.lane && ($0.kind == kind || $0.kind == .everything)
      })
    else { return }
    sections[index].buffer.insert(batch, at: later ? sections[index].buffer.count : 0)
  }

  /// - Parameters:
  ///   - busy: Batches on their way, which the outbox doesn't know as delivered yet.
  ///   - readAhead: Batches read in one query.
  ///   - permit: Whether something of that urgency may go now.
  func next(
    busy: Set<Int64>, readAhead: Int, _ permit: (Urgency) -> TrafficLimits.Verdict
  ) throws -> Choice {
    var held: (wait: Span, hold: TrafficLimits.Hold?)?
    for index in sections.indices {
      guard let urgency = try fill(index, busy, readAhead) else { continue }
      switch permit(urgency) {
      case .go: return .batch(sections[index].buffer.removeFirst(), urgency)
      case .wait(let wait, let hold):
        held = (min(held?.wait ?? wait, wait), held?.hold ?? hold)
      }
    }
    return held.map { .hold($0.wait, $0.hold) } ?? .nothing
  }

  /// Returns how urgent the section's next batch is; `nil` where it has none.
  private func fill(_ index: Int, _ busy: Set<Int64>, _ readAhead: Int) throws -> Urgency? {
    let lane = sections[index].lane
    if !sections[index].buffer.isEmpty { return urgency(index) }
    let work = outbox.workMark([lane])
    guard sections[index].emptyAt != work else { return nil }
    while true {
      let part: Outbox.Part
      switch (sections[index].kind, marks[lane]) {
      case (.live, let mark?): part = .after(mark)
      case (.live, nil): part = .all
      case (.backlog, let mark?), (.everything, let mark?): part = .through(mark)
      case (.backlog, nil): return nil
      case (.everything, nil): part = .all
      }
      // Those on their way are the oldest that the outbox lacks.
      sections[index].buffer = try outbox.nextBatches(
        for: destination, lane: lane, limit: readAhead + busy.count, part: part
      ).filter { !busy.contains($0.id) }
      if !sections[index].buffer.isEmpty { return urgency(index) }
      sections[index].emptyAt = work
      guard case .through = part else { return nil }
      // The backlog is through, or on its way: everything is live again.
      marks[lane] = nil
      for other in sections.indices where sections[other].lane == lane { sections[other].emptyAt = nil }
      if sections[index].kind == .backlog { return nil }
    }
  }

  private func urgency(_ index: Int) -> Urgency {
    switch (sections[index].lane, sections[index].kind) {
    case (.alarm, _): .alarm
    case (.backfill, _): .backfill
    case (_, .live): .live
    case (_, .backlog): .backlog
    case (let lane, .everything): marks[lane] == nil ? .live : .backlog
    }
  }
}

import Journal
import Simulation
import Telemetry

extension HotPart {
  static var storing: [HotPart] {
    [
      HotPart("segment build", per: "message", count: Workplace.messages) { place in
        var builder = SegmentBuilder()
        place.segments(place.warmUp, &builder) { _ in }
        return { place.segments(place.work, &builder) { _ in } }
      },
      HotPart("commit", per: "message", count: Workplace.messages) { place in
        try place.commit(after: 0)
      },
      HotPart("commit after many", per: "message", count: Workplace.messages) { place in
        try place.commit(after: Workplace.stored)
      },
      HotPart("read back", per: "message", count: Workplace.messages) { place in
        let path = place.path("read.db")
        var options = JournalWriter.Options()
        options.synchronous = "OFF"
        let writer = try JournalWriter(path: path, options: options)
        var builder = SegmentBuilder()
        try place.segments(place.corpus[...], &builder) { try writer.append($0, clock: place.clock($0)) }
        let reader = try JournalReader(path: path)
        return {
          // The second half, as far as it goes in whole segments.
          var after = Int64(Workplace.messages / Workplace.batch)
          var read = 0
          while case let items = try reader.segments(after: after), let last = items.last {
            after = last.id
            for case .segment(let segment) in items { segment.forEach { read += $0.payload.count } }
          }
        }
      },
    ]
  }
}

extension Workplace {
  /// Messages of a commit: the most of them is twice as many.
  static let batch = 2000
  /// In the journal before what is measured. Tens of millions cost the same; they take longer to make.
  static let stored = 500_000

  /// Segments of `batch` messages.
  func segments(
    _ messages: ArraySlice<PlannedMessage>, _ builder: inout SegmentBuilder, _ body: (SegmentBuilder) throws -> Void
  ) rethrows {
    for message in messages {
      message.withBytes { topic, payload in
        builder.append(
          topic: topic, payload: payload, packetID: UInt16(truncatingIfNeeded: message.number), qos: 1,
          retained: message.retained, receivedAt: received(message))
      }
      if builder.count == Workplace.batch {
        try body(builder)
        builder.removeAll()
      }
    }
  }

  func clock(_ builder: SegmentBuilder) -> ClockReading {
    ClockReading(wall: Corpus.fixedStart, boot: "bench", sinceBoot: .seconds(1), synchronised: true)
  }

  fileprivate func commit(after stored: Int) throws -> () throws -> Void {
    var options = JournalWriter.Options()
    // What is counted are instructions of the program; a sync has few.
    options.synchronous = "OFF"
    let writer = try JournalWriter(path: path("commit-\(stored).db"), options: options)
    var builder = SegmentBuilder()
    for _ in 0..<max(1, stored / Workplace.messages) {
      try segments(warmUp, &builder) { try writer.append($0, clock: clock($0)) }
    }
    return {
      var builder = SegmentBuilder()
      try segments(work, &builder) { try writer.append($0, clock: clock($0)) }
    }
  }
}

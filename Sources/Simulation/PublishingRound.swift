import Telemetry

/// The loop of one simulation: waits for the time of a message, writes it down, hands it over.
struct PublishingRound {
  /// Messages that are written down together before they are handed over: one write to the file for all.
  private static let batch = 64
  /// Shorter sleeps would cost more than they give: a thousandth of a second late is on time.
  private static let shortestSleep: Int64 = 1_000_000
  /// How soon `stop()` is noticed.
  private static let longestSleep: Int64 = 100_000_000

  private var district: District
  private let options: SimulationOptions
  private let publisher: any MessagePublishing
  private let recorder: Recorder?
  private let acknowledgements: Acknowledgements
  private let ticker: Ticker

  private let begin: Int64
  private var end: Int64?
  private let devices: Int
  private var published: UInt64 = 0
  private var kinds: [UInt64]
  private var lag: Int64 = 0
  private var lastProgress: Int64
  private var publishedAtProgress: UInt64 = 0

  init(
    district: District, options: SimulationOptions, publisher: any MessagePublishing, recorder: Recorder?,
    acknowledgements: Acknowledgements, ticker: Ticker
  ) {
    self.district = district
    self.options = options
    self.publisher = publisher
    self.recorder = recorder
    self.acknowledgements = acknowledgements
    self.ticker = ticker
    begin = ticker.now()
    devices = district.deviceNames.count
    kinds = Array(repeating: 0, count: Irregularity.allCases.count)
    lastProgress = begin
  }

  var report: SimulationReport {
    var counts: [Irregularity: UInt64] = [:]
    for (kind, count) in zip(Irregularity.allCases, kinds) where count > 0 { counts[kind] = count }
    return SimulationReport(
      seed: options.seed, devices: devices, elapsed: Span(nanoseconds: (end ?? ticker.now()) - begin),
      published: published, acknowledged: acknowledgements.count, kinds: counts)
  }

  mutating func run(isStopped: () -> Bool) throws {
    var upcoming = district.next()
    var batch: [PlannedMessage] = []
    while let next = upcoming, !isStopped() {
      if let duration = options.duration, next.at >= duration { break }
      let now = ticker.now()
      tellProgress(now)
      let due = begin + next.at.nanoseconds
      guard due <= now else {
        try recorder?.flush()
        let pause = max(PublishingRound.shortestSleep, min(due - now, PublishingRound.longestSleep))
        publisher.idle(for: Span(nanoseconds: pause))
        continue
      }
      lag = now - due
      let wall = ticker.wall()
      while let message = upcoming, message.at.nanoseconds <= now - begin, batch.count < PublishingRound.batch {
        if let duration = options.duration, message.at >= duration { break }
        recorder?.published(message, at: wall)
        batch.append(message)
        upcoming = district.next()
      }
      try recorder?.flush()
      try publish(batch, isStopped: isStopped)
      batch.removeAll(keepingCapacity: true)
    }
    end = ticker.now()
  }

  private mutating func publish(_ batch: [PlannedMessage], isStopped: () -> Bool) throws {
    for (index, message) in batch.enumerated() {
      while try !publisher.publish(
        topic: message.topic, payload: message.payload, retain: message.retained, token: message.number)
      {
        if isStopped() {
          for left in batch[index...] { recorder?.unsent(left.number) }
          return
        }
        tellProgress(ticker.now())
        try recorder?.flush()
      }
      published += 1
      kinds[message.kind.index] += 1
    }
  }

  private mutating func tellProgress(_ now: Int64) {
    guard now - lastProgress >= 1_000_000_000 else { return }
    let seconds = Double(now - lastProgress) / 1e9
    options.progress?(
      SimulationProgress(
        elapsed: Span(nanoseconds: now - begin), published: published, acknowledged: acknowledgements.count,
        rate: Double(published - publishedAtProgress) / seconds, lag: Span(nanoseconds: lag)))
    lastProgress = now
    publishedAtProgress = published
  }
}

extension Irregularity {
  /// Position in `allCases`.
  var index: Int { Irregularity.allCases.firstIndex(of: self) ?? 0 }
}

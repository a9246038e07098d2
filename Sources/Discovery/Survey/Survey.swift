import Telemetry

/// What is heard of a broker's traffic: per topic how often, and a few payloads. A pure value, fed with messages;
/// bounded whatever comes.
public struct Survey: Sendable {
  public struct Limits: Sendable {
    /// Topics that are looked at. The largest district planned for has 100,000 devices, but its forms show in the
    /// first few thousand.
    public var topics: Int
    /// Longer topics are counted and not looked at.
    public var topicBytes: Int
    /// Topics with more levels are counted and not looked at; real ones have 12 at most.
    public var levels: Int
    /// Payloads of one topic: the first half stays, the other half is of the latest.
    public var samples: Int
    /// A larger payload is no sample: most are images. The largest real one is 60 KiB.
    public var sampleBytes: Int
    /// Of all samples together.
    public var totalBytes: Int

    public init(
      topics: Int = 20_000, topicBytes: Int = 512, levels: Int = 24, samples: Int = 4,
      sampleBytes: Int = 96 << 10, totalBytes: Int = 32 << 20
    ) {
      self.topics = max(1, topics)
      self.topicBytes = topicBytes
      self.levels = levels
      self.samples = max(1, samples)
      self.sampleBytes = sampleBytes
      self.totalBytes = totalBytes
    }
  }

  public let limits: Limits
  public private(set) var topics: [HeardTopic] = []
  public private(set) var messages = 0
  /// Messages on topics beyond `limits.topics`.
  public private(set) var beyond = 0
  /// Messages on topics that are too long or too deep, or no UTF-8.
  public private(set) var unusable = 0
  /// Payloads that were not kept because `limits.totalBytes` was reached.
  public private(set) var unkept = 0
  private(set) var keptBytes = 0
  private var places: [String: Int] = [:]

  public init(limits: Limits = Limits()) { self.limits = limits }

  public mutating func take(topic: String, payload: [UInt8], retained: Bool = false, at time: Timestamp) {
    Array(topic.utf8).withUnsafeBytes { topic in
      payload.withUnsafeBytes { take(topic: topic, payload: $0, retained: retained, at: time) }
    }
  }

  /// - Parameter time: the receipt, on the wall clock.
  public mutating func take(
    topic bytes: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, retained: Bool, at time: Timestamp
  ) {
    messages += 1
    guard bytes.count <= limits.topicBytes, bytes.count(where: { $0 == UInt8(ascii: "/") }) < limits.levels,
      let topic = String(validating: bytes, as: UTF8.self)
    else {
      unusable += 1
      return
    }
    guard let index = place(of: topic) else {
      beyond += 1
      return
    }
    topics[index].messages += 1
    if retained {
      topics[index].retained += 1
    } else {
      topics[index].heardLive(at: time)
    }
    keep(payload, of: index, retained, time)
  }

  private mutating func place(of topic: String) -> Int? {
    if let known = places[topic] { return known }
    guard topics.count < limits.topics else { return nil }
    places[topic] = topics.count
    topics.append(HeardTopic(topic))
    return topics.count - 1
  }

  private mutating func keep(
    _ payload: UnsafeRawBufferPointer, of index: Int, _ retained: Bool, _ time: Timestamp
  ) {
    guard payload.count <= limits.sampleBytes else {
      topics[index].oversized += 1
      return
    }
    switch PayloadKind(payload) {
    case .empty: return
    case .binary:
      topics[index].binary += 1
      guard topics[index].levels.contains("spBv1.0") else { return }
    case .document, .markup, .text: break
    }
    // The latest are kept in a ring behind the first.
    let count = topics[index].samples.count
    let first = (limits.samples + 1) / 2
    let isFull = count == limits.samples
    let slot = isFull ? first + topics[index].messages % max(1, limits.samples - first) : count
    guard slot < limits.samples else { return }
    let replaced = isFull ? topics[index].samples[slot].payload.count : 0
    guard keptBytes - replaced + payload.count <= limits.totalBytes else {
      unkept += 1
      return
    }
    keptBytes += payload.count - replaced
    let sample = HeardTopic.Sample(payload: Array(payload), receivedAt: time, retained: retained)
    if isFull { topics[index].samples[slot] = sample } else { topics[index].samples.append(sample) }
  }
}

import Telemetry

/// One device in one window, while it gathers. A class, so that it is changed where it lies.
final class DeviceWindow {
  let device: Device
  /// Distinct messages with at least one reading here.
  private(set) var received = 0
  private var shared: [Int] = []
  private var quality = TimeQuality.trusted
  private var presence = Presence()
  private let threshold: Span?
  private var duplicates = 0
  private var quarantined = 0
  private var offsets = OffsetFigures()
  /// A reading came so late that its place among the others can't be told: the figures must be computed again.
  private(set) var isDisordered = false
  private var series: OpenSeries
  /// The message that was counted last: a message's readings come one after another.
  private var lastMessage: Int64 = -1
  /// Contents of the messages so far: as an array while they are few.
  private var contents: [UInt64] = []
  private var manyContents: Set<UInt64> = []

  /// Up to so many contents are looked through one by one.
  private static let fewContents = 32

  /// - Parameter isRoomy: few windows are open, so that this one may keep more readings in order.
  init(device: Device, isRoomy: Bool) {
    self.device = device
    series = OpenSeries(isRoomy: isRoomy)
    threshold = Presence.threshold(device.interval)
  }

  var isHeard: Bool { presence.last != nil }
  var lastHeard: Timestamp? { presence.last }

  /// Counts the message of readings that are going to be added, once.
  ///
  /// - Parameters:
  ///   - earlier: the nearest window before this one that holds readings of the same message; `nil` where none does.
  ///   - longer: the longer lengths, for which such a message must not be counted twice.
  ///   - bearsTime: the payload says when: then an equal one is the same message once more.
  func count(_ message: MessageContext, start: Timestamp, earlier: Timestamp?, longer: [Span], bearsTime: Bool) {
    guard message.sequence != lastMessage else { return }
    lastMessage = message.sequence
    received += 1
    quality = max(quality, message.quality)
    if let earlier {
      for (index, length) in longer.enumerated() where earlier >= start.floored(to: length) {
        while shared.count <= index { shared.append(0) }
        shared[index] += 1
      }
      return
    }
    if let offset = message.offset { offsets.add(offset) }
    if bearsTime, message.content != 0, !remember(message.content) { duplicates += 1 }
  }

  /// False where it was there already.
  private func remember(_ content: UInt64) -> Bool {
    if !manyContents.isEmpty { return manyContents.insert(content).inserted }
    if contents.contains(content) { return false }
    contents.append(content)
    if contents.count > DeviceWindow.fewContents {
      manyContents = Set(contents)
      contents = []
    }
    return true
  }

  func hear(at time: Timestamp) {
    if !presence.note(time, threshold: threshold) { isDisordered = true }
  }

  /// Adds readings of one message.
  func add(_ observations: [Observation]) {
    if !series.add(observations) { isDisordered = true }
  }

  func add(_ observation: Observation) { place(observation, retained: false) }

  /// A retained state: no reading, no sign of life.
  func set(_ observation: Observation) { place(observation, retained: true) }

  /// A message that said nothing that can be understood.
  func quarantine() { quarantined += 1 }

  private func place(_ observation: Observation, retained: Bool) {
    if !series.add(observation, retained: retained) { isDisordered = true }
  }

  /// The time from which on a state of this series is known here; `nil` where none is.
  func knownState(of state: Series) -> Timestamp? { series.knownState(of: state) }

  /// The window's content, as it is for good unless late readings come, and the carries as they stand after it.
  func closed(after carries: Carries, start: Timestamp, end: Timestamp) -> (content: WindowContent, carries: Carries) {
    var content = WindowContent()
    content.received = received
    content.shared = shared
    content.quality = quality
    content.presence = presence
    content.duplicates = duplicates
    content.quarantined = quarantined
    content.offsets = offsets
    content.entries = series.entries
    var result = carries
    for position in content.entries.indices {
      let index = content.entries[position].series.index
      if let carry = content.entries[position].figures.carry { result[index] = carry }
      content.entries[position].figures.close(after: carries[index], start: start, end: end)
    }
    return (content, result)
  }
}

import Telemetry

/// Gathers readings into windows of the shortest length, and seals them.
///
/// A value of decisions only: it is handed readings and the times at which they were received, and never asks a clock.
/// So the same journal gives the same windows, however often it is replayed. It is a class only because windows are
/// changed in place; one owner, not thread-safe.
///
/// A window is *due* when a segment received at or after `end + grace` has been passed. Windows seal in order, all
/// devices of one window together. A reading for a sealed window is *late*: the caller computes that window again from
/// the journal (`Recomputation`) and hands the outcome back with `revise`.
public final class WindowEngine {
  private final class OpenWindow {
    let start: Timestamp
    /// By `Device.index`.
    var devices: [Int: DeviceWindow] = [:]
    var firstSegment: Int64
    var lastSegment: Int64

    init(start: Timestamp, segment: Int64) {
      self.start = start
      firstSegment = segment
      lastSegment = segment
    }
  }

  public let settings: WindowSettings
  private let seriesOf: (Int) -> Series
  /// By start, ascending. Few: the current one, one in grace, and what odd clocks open ahead.
  private var open: [OpenWindow] = []
  private var tracks: [Int: DeviceTrack] = [:]
  private var activeDevices: Set<Int> = []
  /// The end of the last sealed window; everything before it is sealed. `nil` until the first segment.
  public private(set) var sealedThrough: Timestamp?
  /// Of windows before this some messages are gone, untold what was made of them, or that itself was forgotten; `nil`
  /// where all are there.
  public var wholeFrom: Timestamp?

  /// How far ahead of the gateway a reading may be and still wait for its window in memory. A trusted clock lets nothing
  /// further ahead pass; under another one, years may.
  private static let ahead = Span.minutes(5)

  /// - Parameter seriesOf: the registry's series by index, for carries whose series has no reading.
  public init(settings: WindowSettings, seriesOf: @escaping (Int) -> Series) {
    self.settings = settings
    self.seriesOf = seriesOf
  }

  // MARK: State

  public var openWindowCount: Int { open.reduce(0) { $0 + $1.devices.count } }
  public var activeDeviceCount: Int { activeDevices.count }

  /// The first segment that holds a reading of a window that is still open; `nil` where none is open.
  public var oldestOpenSegment: Int64? { open.map(\.firstSegment).min() }

  /// Takes up where an earlier process left off, or where a mended clock says. Open windows are forgotten.
  public func restore(sealedThrough: Timestamp, tracks: [DeviceTrack]) {
    self.sealedThrough = sealedThrough
    open = []
    self.tracks = [:]
    activeDevices = []
    for track in tracks {
      self.tracks[track.device.index] = track
      if track.isActive { activeDevices.insert(track.device.index) }
    }
  }

  /// An open window that was given up: it is to be computed from the journal.
  public struct Released {
    public let start: Timestamp
    public let segments: ClosedRange<Int64>
    public let devices: [Device]
  }

  /// Gives up the open windows that are far ahead of the gateway's clock, which was set back: they would wait in memory,
  /// and keep their messages, for as long as the clock needs to get there.
  public func release(at now: Timestamp) -> [Released] {
    let released = open.filter { $0.start > now + WindowEngine.ahead }.map {
      Released(
        start: $0.start, segments: $0.firstSegment...$0.lastSegment,
        devices: $0.devices.values.map(\.device).sorted { $0.index < $1.index })
    }
    if !released.isEmpty { open.removeAll { $0.start > now + WindowEngine.ahead } }
    return released
  }

  /// Windows from `start` on are not over after all.
  public func rewind(to start: Timestamp) { sealedThrough = start }

  public func track(of device: Device) -> DeviceTrack? { tracks[device.index] }

  // MARK: Readings

  /// Everything that ended `grace` before the first segment counts as sealed, so that what is older is late.
  public func begin(at receivedAt: Timestamp) {
    if sealedThrough == nil { sealedThrough = (receivedAt - settings.grace).floored(to: settings.length) }
  }

  /// Adds all readings of a message.
  public func add(_ observations: [Observation], _ message: MessageContext) -> Placement {
    begin(at: message.receivedAt)
    var placement = Placement()
    guard let first = observations.first else { return placement }
    if message.retained {
      for observation in observations { set(observation, message) }
      return placement
    }
    if WindowEngine.isUniform(observations) {
      // Almost every message: one device, one time.
      if isTooLate(first, message) {
        placement.tooLate = observations.count
      } else if let window = window(of: first, message, earlier: nil, &placement) {
        window.hear(at: first.time)
        window.add(observations)
      }
      return placement
    }
    let starts = WindowEngine.starts(observations, message, self)
    for observation in observations {
      if isTooLate(observation, message) {
        placement.tooLate += 1
        continue
      }
      let start = observation.time.floored(to: settings.length)
      let earlier = WindowEngine.earlier(than: start, starts[observation.series.device.index])
      if let window = window(of: observation, message, earlier: earlier, &placement) {
        window.hear(at: observation.time)
        window.add(observation)
      }
    }
    return placement
  }

  private static func isUniform(_ observations: [Observation]) -> Bool {
    let (time, device) = (observations[0].time, observations[0].series.device)
    for observation in observations where observation.time != time || observation.series.device !== device {
      return false
    }
    return true
  }

  /// In which windows a message has readings, by `Device.index`. Those before `wholeFrom` are among them: which of its
  /// windows counts a message must be the same when it is read again and that time has risen.
  private static func starts(
    _ observations: [Observation], _ message: MessageContext, _ engine: WindowEngine
  ) -> [Int: Set<Timestamp>] {
    var starts: [Int: Set<Timestamp>] = [:]
    for observation in observations where message.retained || !engine.isOld(observation, message) {
      starts[observation.series.device.index, default: []].insert(observation.time.floored(to: engine.settings.length))
    }
    return starts
  }

  private static func earlier(than start: Timestamp, _ starts: Set<Timestamp>?) -> Timestamp? {
    starts?.filter { $0 < start }.max()
  }

  /// What a message says of each device in one window, as `Recomputation` takes it: for a message read again.
  ///
  /// - Parameter visit: is handed the window's start, the device's index and the arrival.
  public func arrivals(
    _ observations: [Observation], _ message: MessageContext,
    _ visit: (Timestamp, Int, Recomputation.Arrival) -> Void
  ) {
    guard let first = observations.first else { return }
    if WindowEngine.isUniform(observations) {
      guard !isTooLate(first, message) else { return }
      return visit(
        first.time.floored(to: settings.length), first.series.device.index,
        Recomputation.Arrival(observations, message))
    }
    let starts = WindowEngine.starts(observations, message, self)
    for (device, windows) in starts.sorted(by: { $0.key < $1.key }) {
      for start in windows.sorted() {
        let readings = observations.filter {
          $0.series.device.index == device && $0.time.floored(to: settings.length) == start
            && !isTooLate($0, message)
        }
        visit(
          start, device,
          Recomputation.Arrival(readings, message, earlier: WindowEngine.earlier(than: start, windows)))
      }
    }
  }

  /// Adds a message of a device that said nothing that can be understood.
  public func quarantine(_ device: Device, _ message: MessageContext) -> Placement {
    begin(at: message.receivedAt)
    var placement = Placement()
    let start = message.receivedAt.floored(to: settings.length)
    if let sealedThrough, start < sealedThrough {
      placement.note(start, device.index, isAhead: false)
    } else {
      let window = window(start, device, message.segment)
      window.hear(at: message.receivedAt)
      window.quarantine()
    }
    return placement
  }

  /// The open window of a reading, with its message counted; `nil` where the window isn't open.
  private func window(
    of observation: Observation, _ message: MessageContext, earlier: Timestamp?, _ placement: inout Placement
  ) -> DeviceWindow? {
    let start = observation.time.floored(to: settings.length)
    let device = observation.series.device
    if let sealedThrough, start < sealedThrough {
      placement.note(start, device.index, isAhead: false)
      return nil
    }
    guard start <= message.receivedAt + WindowEngine.ahead else {
      placement.note(start, device.index, isAhead: true)
      return nil
    }
    let window = window(start, device, message.segment)
    window.count(
      message, start: start, earlier: earlier, longer: settings.longer, bearsTime: observation.timeSource == .payload)
    return window
  }

  /// Whether the reading is older than `lateness`, or of a window before `wholeFrom`. Nothing is thrown away on the word
  /// of a clock that isn't trusted.
  public func isTooLate(_ observation: Observation, _ message: MessageContext) -> Bool {
    !message.retained && (isOld(observation, message) || wholeFrom.map { observation.time < $0 } ?? false)
  }

  private func isOld(_ observation: Observation, _ message: MessageContext) -> Bool {
    message.quality == .trusted && observation.time < message.receivedAt - settings.lateness
  }

  /// A retained state counts only where nothing newer is known. One without a time of its own was published nobody
  /// knows when: anything known is newer.
  private func set(_ observation: Observation, _ message: MessageContext) {
    let series = observation.series
    guard case .state(let state) = observation.value else { return }
    if let known = knownState(of: series), observation.timeSource == .received || known >= observation.time { return }
    let start = observation.time.floored(to: settings.length)
    if let sealedThrough, start < sealedThrough {
      var track = tracks[series.device.index] ?? DeviceTrack(device: series.device)
      track.carries[series.index] = Carry(value: .state(state), time: observation.time)
      tracks[series.device.index] = track
    } else if start <= message.receivedAt + WindowEngine.ahead {
      window(start, series.device, message.segment).set(observation)
    }
  }

  private func knownState(of series: Series) -> Timestamp? {
    let inWindows = open.compactMap { $0.devices[series.device.index]?.knownState(of: series) }.max()
    return inWindows ?? tracks[series.device.index]?.carries[series.index]?.time
  }

  private func window(_ start: Timestamp, _ device: Device, _ segment: Int64) -> DeviceWindow {
    let window: OpenWindow
    if let last = open.last, last.start == start {
      window = last
    } else if let known = open.first(where: { $0.start == start }) {
      window = known
    } else {
      window = OpenWindow(start: start, segment: segment)
      open.insert(window, at: open.firstIndex { $0.start > start } ?? open.endIndex)
    }
    if segment > window.lastSegment { window.lastSegment = segment }
    if segment < window.firstSegment { window.firstSegment = segment }
    if let known = window.devices[device.index] { return known }
    let made = DeviceWindow(device: device, isRoomy: window.devices.count < settings.roomyDevices)
    window.devices[device.index] = made
    return made
  }

  // MARK: Sealing

  /// The next window to seal once a segment received at `receivedAt` is passed; `nil` where none is due.
  ///
  /// - Parameter known: the next window from `sealedThrough` on that was computed before its time; `nil` where none was.
  public func nextDue(at receivedAt: Timestamp, known: Timestamp? = nil) -> Due? {
    guard let sealedThrough else { return nil }
    let horizon = (receivedAt - settings.grace).floored(to: settings.length)
    guard sealedThrough < horizon else { return nil }
    var start = sealedThrough
    if activeDevices.isEmpty {
      // Nobody has a record in a window without readings: the clock may have leapt over years of them.
      start = min(open.first?.start ?? horizon, known ?? horizon, horizon)
      guard start < horizon else {
        self.sealedThrough = horizon
        return nil
      }
      self.sealedThrough = start
    }
    let window = open.first.flatMap { $0.start == start ? $0 : nil }
    return Due(
      start: start, segments: window.map { $0.firstSegment...$0.lastSegment },
      disordered: window?.devices.values.filter(\.isDisordered).map(\.device).sorted { $0.index < $1.index } ?? [],
      heard: Set(window?.devices.keys ?? [:].keys))
  }

  /// Seals the window that `nextDue` named: every device that is known or was heard in it, in the order of their indices.
  /// Each is given to `each` as it is computed, and what was gathered of it let go: of fifty thousand devices the
  /// summaries held at once would be a third of the gateway's memory.
  ///
  /// - Parameters:
  ///   - recomputed: the disordered devices' windows, computed again in order.
  ///   - adopted: what follows from windows that were computed before their time, by `Device.index`: these devices are
  ///     passed over.
  ///   - quality: of the clock that called the window due; it vouches for the silent devices.
  public func seal(
    _ due: Due, recomputed: [Recomputation] = [], adopted: [Int: DeviceTrack] = [:], quality: TimeQuality,
    _ each: (SealedSummary) -> Void
  ) {
    let window = open.first.flatMap { $0.start == due.start ? $0 : nil }
    if window != nil { open.removeFirst() }
    // What is given away belongs to a window that is sealed.
    sealedThrough = due.start + settings.length
    for computed in recomputed { window?.devices[computed.window.device.index] = computed.window }
    let indices = activeDevices.union((window?.devices.keys).map(Set.init) ?? []).sorted()
    for index in indices where adopted[index] == nil {
      let readings = window?.devices.removeValue(forKey: index)
      guard let device = readings?.device ?? tracks[index]?.device else { continue }
      let track = tracks[index] ?? DeviceTrack(device: device)
      let summary = summarise(
        device, due.start, readings, carries: track.carries, heardBefore: track.lastHeard, silence: quality,
        mayBeSilent: true)
      adopt(summary)
      each(summary)
    }
    for (index, known) in adopted { keep(known, index) }
  }

  private func adopt(_ summary: SealedSummary) {
    keep(
      DeviceTrack(
        device: summary.device, isActive: summary.isActive, lastHeard: summary.lastHeard, carries: summary.carries),
      summary.device.index)
  }

  private func keep(_ track: DeviceTrack, _ index: Int) {
    tracks[index] = track
    if track.isActive { activeDevices.insert(index) } else { activeDevices.remove(index) }
  }

  // MARK: Revising

  /// Computes a window of the shortest length again.
  ///
  /// - Parameters:
  ///   - readings: all of the device's in that window, from the journal; `nil` where there are none.
  ///   - carries: as they stood before the window.
  ///   - heardBefore: when the device was last heard before the window.
  ///   - silence: the quality that a window without readings has.
  ///   - mayBeSilent: whether time has passed this window for everybody.
  public func summarise(
    _ device: Device, _ start: Timestamp, readings: Recomputation?, carries: Carries, heardBefore: Timestamp?,
    silence: TimeQuality, mayBeSilent: Bool
  ) -> SealedSummary {
    summarise(
      device, start, readings?.window, carries: carries, heardBefore: heardBefore, silence: silence,
      mayBeSilent: mayBeSilent)
  }

  private func summarise(
    _ device: Device, _ start: Timestamp, _ readings: DeviceWindow?, carries: Carries, heardBefore: Timestamp?,
    silence: TimeQuality, mayBeSilent: Bool
  ) -> SealedSummary {
    let end = start + settings.length
    var (content, after) = readings?.closed(after: carries, start: start, end: end) ?? (WindowContent(), carries)
    // A state that nobody spoke of holds on.
    for index in carries.keys.sorted() {
      let series = seriesOf(index)
      guard series.kind == .state, !content.entries.contains(where: { $0.series === series }) else { continue }
      var figures = SeriesFigures(.state)
      figures.close(after: carries[index], start: start, end: end)
      content.entries.append(WindowContent.Entry(series: series, figures: figures))
    }
    return SealedSummary(
      device: device, start: start, end: end, content: content, carries: after,
      hasEntries: readings != nil, heardBefore: heardBefore, silence: silence, retirement: settings.retirement,
      mayBeSilent: mayBeSilent)
  }

  /// A window whose content was joined from what is kept of it, or of shorter ones.
  ///
  /// - Parameters:
  ///   - carries: as they stand after it.
  public func summarise(
    _ device: Device, _ start: Timestamp, end: Timestamp, content: WindowContent, carries: Carries = [:],
    heardBefore: Timestamp?, silence: TimeQuality, mayBeSilent: Bool
  ) -> SealedSummary {
    SealedSummary(
      device: device, start: start, end: end, content: content, carries: carries, hasEntries: content.isHeard,
      heardBefore: heardBefore, silence: silence, retirement: settings.retirement, mayBeSilent: mayBeSilent)
  }

  /// Takes what the device's open windows count from, after its last sealed one was revised.
  public func follow(_ track: DeviceTrack) { keep(track, track.device.index) }
}

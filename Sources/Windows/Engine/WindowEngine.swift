import Telemetry

/// Gathers readings into windows, and seals them.
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

  /// Takes up where an earlier process left off.
  public func restore(sealedThrough: Timestamp, tracks: [DeviceTrack]) {
    self.sealedThrough = sealedThrough
    for track in tracks {
      self.tracks[track.device.index] = track
      if track.isActive { activeDevices.insert(track.device.index) }
    }
  }

  public func track(of device: Device) -> DeviceTrack? { tracks[device.index] }

  // MARK: Readings

  /// Everything that ended `grace` before the first segment counts as sealed, so that what is older is late.
  public func begin(at receivedAt: Timestamp) {
    if sealedThrough == nil { sealedThrough = (receivedAt - settings.grace).floored(to: settings.length) }
  }

  public func add(_ observation: Observation, _ message: MessageContext) -> Placement {
    begin(at: message.receivedAt)
    if message.retained { return set(observation, message) }
    if isTooLate(observation, message) { return .tooLate }
    let start = observation.time.floored(to: settings.length)
    if let sealedThrough, start < sealedThrough { return .late(start: start) }
    window(start, observation.series.device, message.segment)
      .add(observation, message: message.sequence, quality: message.quality)
    return .open
  }

  /// Whether the reading is older than `lateness`. Nothing is thrown away on the word of a clock that isn't trusted.
  public func isTooLate(_ observation: Observation, _ message: MessageContext) -> Bool {
    message.quality == .trusted && !message.retained && observation.time < message.receivedAt - settings.lateness
  }

  /// A retained state counts only where nothing newer is known. One without a time of its own was published nobody
  /// knows when: anything known is newer.
  private func set(_ observation: Observation, _ message: MessageContext) -> Placement {
    let series = observation.series
    guard case .state(let state) = observation.value else { return .retained }
    if let known = knownState(of: series), observation.timeSource == .received || known >= observation.time {
      return .retained
    }
    let start = observation.time.floored(to: settings.length)
    if let sealedThrough, start < sealedThrough {
      var track = tracks[series.device.index] ?? DeviceTrack(device: series.device)
      track.carries[series.index] = Carry(value: .state(state), time: observation.time)
      tracks[series.device.index] = track
    } else {
      window(start, series.device, message.segment).set(observation)
    }
    return .retained
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
    if let known = window.devices[device.index] { return known }
    let made = DeviceWindow(device: device)
    window.devices[device.index] = made
    return made
  }

  // MARK: Sealing

  /// A window that is due, before it is sealed.
  public struct Due {
    public let start: Timestamp
    /// The segments that hold its readings; `nil` where it has none.
    public let segments: ClosedRange<Int64>?
    /// Devices whose readings came out of an order that matters: to be computed again before sealing.
    public let disordered: [Device]
  }

  /// The next window to seal once a segment received at `receivedAt` is passed; `nil` where none is due.
  public func nextDue(at receivedAt: Timestamp) -> Due? {
    guard let sealedThrough else { return nil }
    let horizon = (receivedAt - settings.grace).floored(to: settings.length)
    guard sealedThrough < horizon else { return nil }
    var start = sealedThrough
    if activeDevices.isEmpty {
      // Nobody has a record in a window without readings: the clock may have leapt over years of them.
      start = min(open.first?.start ?? horizon, horizon)
      guard start < horizon else {
        self.sealedThrough = horizon
        return nil
      }
      self.sealedThrough = start
    }
    let window = open.first.flatMap { $0.start == start ? $0 : nil }
    return Due(
      start: start, segments: window.map { $0.firstSegment...$0.lastSegment },
      disordered: window?.devices.values.filter(\.isDisordered).map(\.device).sorted { $0.index < $1.index } ?? [])
  }

  /// Seals the window that `nextDue` named: every device that is known or was heard in it.
  ///
  /// - Parameters:
  ///   - recomputed: the disordered devices' windows, computed again in order.
  ///   - quality: of the clock that called the window due; it vouches for the silent devices.
  public func seal(_ due: Due, recomputed: [Recomputation] = [], quality: TimeQuality) -> [SealedSummary] {
    let window = open.first.flatMap { $0.start == due.start ? $0 : nil }
    if window != nil { open.removeFirst() }
    for computed in recomputed { window?.devices[computed.window.device.index] = computed.window }
    let indices = activeDevices.union((window?.devices.keys).map(Set.init) ?? []).sorted()
    var sealed: [SealedSummary] = []
    sealed.reserveCapacity(indices.count)
    for index in indices {
      let readings = window?.devices[index]
      guard let device = readings?.device ?? tracks[index]?.device else { continue }
      let track = tracks[index] ?? DeviceTrack(device: device)
      let summary = summarise(
        device, due.start, readings, carries: track.carries, lastReading: track.lastReading, silence: quality,
        wasActive: track.isActive)
      adopt(summary)
      sealed.append(summary)
    }
    sealedThrough = due.start + settings.length
    return sealed
  }

  private func adopt(_ summary: SealedSummary) {
    let index = summary.device.index
    tracks[index] = DeviceTrack(
      device: summary.device, isActive: summary.isActive, lastReading: summary.lastReading, carries: summary.carries)
    if summary.isActive { activeDevices.insert(index) } else { activeDevices.remove(index) }
  }

  // MARK: Revising

  /// Computes a sealed window again.
  ///
  /// - Parameters:
  ///   - readings: all of the device's in that window, from the journal; `nil` where there are none.
  ///   - carries: as they stood before the window.
  ///   - lastReading: the latest reading before the window.
  ///   - silence: the quality that a window without readings has.
  public func summarise(
    _ device: Device, _ start: Timestamp, readings: Recomputation?, carries: Carries, lastReading: Timestamp?,
    silence: TimeQuality
  ) -> SealedSummary {
    summarise(
      device, start, readings?.window, carries: carries, lastReading: lastReading, silence: silence,
      wasActive: tracks[device.index]?.isActive ?? false)
  }

  private func summarise(
    _ device: Device, _ start: Timestamp, _ readings: DeviceWindow?, carries: Carries, lastReading: Timestamp?,
    silence: TimeQuality, wasActive: Bool
  ) -> SealedSummary {
    let end = start + settings.length
    let last = [lastReading, readings?.lastReading].compactMap(\.self).max()
    let isKnown = last.map { start - $0 < settings.retirement } ?? false
    let retired = last.map { end - $0 >= settings.retirement } ?? true
    let quality = readings.flatMap { $0.received > 0 ? $0.quality : nil } ?? silence
    let states = carries.keys.sorted().map(seriesOf).filter { $0.kind == .state }
    return SealedSummary(
      device: device, start: start,
      record: isKnown
        ? SummaryRecord(
          device: device, start: start, end: end, received: readings?.received ?? 0, quality: quality,
          retired: retired, entries: readings?.entries ?? [], carries: carries, carriedSeries: states) : nil,
      carries: readings?.carried(carries) ?? carries, lastReading: last, hasEntries: readings != nil,
      quality: quality, retired: retired, wasActive: wasActive)
  }

  /// Takes the outcome of revising the device's last sealed window: what the open windows count from.
  public func revise(_ summary: SealedSummary) { adopt(summary) }
}

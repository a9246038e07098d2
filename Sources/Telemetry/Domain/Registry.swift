/// Makes each device and each series once, so that a reading carries a reference instead of strings.
///
/// Bounded: a broker with a million topics must not take the box down. Not thread-safe: one owner.
public final class Registry {
  public struct Limits: Sendable {
    public var devices: Int
    public var series: Int

    /// 100,000 devices is twice the largest district planned for; 20 series for each is what cameras average.
    public init(devices: Int = 100_000, series: Int = 2_000_000) {
      self.devices = devices
      self.series = series
    }
  }

  private struct SeriesKey: Hashable {
    let device: Int
    let metric: String
    let labels: [Series.Label]
    let kind: MetricKind
  }

  /// The first series of one device.
  private struct Row {
    /// More are found by their key.
    static let most = 24

    var series: [Series] = []
    /// Where the next one is looked for first: messages bring the same series in the same order.
    var next = 0

    @inline(__always)
    mutating func find(_ metric: String, _ labels: [Series.Label], _ kind: MetricKind) -> Series? {
      var at = next
      for _ in 0..<series.count {
        if at >= series.count { at = 0 }
        let candidate = series[at]
        at += 1
        if candidate.kind == kind, candidate.metric == metric, candidate.labels == labels {
          next = at
          return candidate
        }
      }
      return nil
    }
  }

  private let limits: Limits
  private var devicesByName: [String: Device] = [:]
  /// Those for which their device's row has no room: few devices have any, and as many keys as series would be a tenth of
  /// the gateway's memory.
  private var seriesByKey: [SeriesKey: Series] = [:]
  /// By `Device.index`.
  private var seriesByDevice: [Row] = []
  public private(set) var devices: [Device] = []
  public private(set) var series: [Series] = []
  /// How many devices and series were refused because a limit was reached.
  public private(set) var refused = 0

  public init(limits: Limits = Limits()) { self.limits = limits }

  public func device(named name: String) -> Device? { devicesByName[name] }

  /// The device of that name. Where it is known already, it stays what it was first said to be.
  /// `nil` where the limit is reached.
  ///
  /// - Parameter labels: sorted by name, each once; asked for only where the device is new.
  public func device(
    _ name: String, class deviceClass: DeviceClass, site: String?, interval: Span? = nil,
    labels: @autoclosure () -> [Series.Label] = []
  ) -> Device? {
    if let known = devicesByName[name] {
      if known.isProvisional {
        known.deviceClass = deviceClass
        known.site = site
        known.interval = interval
        known.labels = labels()
        known.isProvisional = false
      }
      return known
    }
    return make(name, deviceClass, site, interval, labels(), isProvisional: false)
  }

  /// A device that an earlier run knew. What a source says of it later goes before.
  public func restore(
    _ name: String, class deviceClass: DeviceClass, site: String?, interval: Span?, labels: [Series.Label] = []
  ) -> Device? {
    devicesByName[name] ?? make(name, deviceClass, site, interval, labels, isProvisional: true)
  }

  private func make(
    _ name: String, _ deviceClass: DeviceClass, _ site: String?, _ interval: Span?, _ labels: [Series.Label],
    isProvisional: Bool
  ) -> Device? {
    guard devices.count < limits.devices else {
      refused += 1
      return nil
    }
    let device = Device(
      name: name, deviceClass: deviceClass, site: site, interval: interval, labels: labels, index: devices.count,
      isProvisional: isProvisional)
    devices.append(device)
    seriesByDevice.append(Row())
    devicesByName[name] = device
    return device
  }

  /// `labels` in any order. `nil` where the limit is reached.
  public func series(
    of device: Device, _ metric: String, labels: [Series.Label] = [], unit: String, kind: MetricKind
  ) -> Series? {
    let labels = labels.count > 1 ? labels.sorted() : labels
    if let known = seriesByDevice[device.index].find(metric, labels, kind) { return known }
    let isInRow = seriesByDevice[device.index].series.count < Row.most
    let key = SeriesKey(device: device.index, metric: metric, labels: labels, kind: kind)
    if !isInRow, let known = seriesByKey[key] { return known }
    guard series.count < limits.series else {
      refused += 1
      return nil
    }
    let made = Series(
      device: device, metric: metric, labels: labels, unit: unit, kind: kind, index: series.count)
    series.append(made)
    if isInRow { seriesByDevice[device.index].series.append(made) } else { seriesByKey[key] = made }
    return made
  }
}

import Telemetry

/// Each device's series in the order in which they were first written down: in what is kept of a window a series is
/// named by its place in this list, which only ever grows.
struct SeriesLists {
  /// By `Device.index`.
  private var lists: [Int: [Series]] = [:]
  /// By `Series.index`.
  private var places: [Int: Int] = [:]
  /// Devices whose list has grown since it was written, by `Device.index`.
  private(set) var grown: Set<Int> = []

  func list(of device: Device) -> [Series] { lists[device.index] ?? [] }

  mutating func place(of series: Series) -> Int {
    if let known = places[series.index] { return known }
    let device = series.device.index
    let place = lists[device]?.count ?? 0
    lists[device, default: []].append(series)
    places[series.index] = place
    grown.insert(device)
    return place
  }

  mutating func takeGrown() -> Set<Int> {
    defer { grown = [] }
    return grown
  }

  func encoded(_ device: Int) -> [UInt8] {
    var writer = ByteWriter()
    for series in lists[device] ?? [] { writer.series(series) }
    return writer.bytes
  }

  /// Where the registry has no room, or the bytes end early, the list ends there: what it then says of later places is
  /// left out.
  mutating func restore(_ bytes: [UInt8], of device: Device, registry: Registry) {
    var reader = ByteReader(bytes)
    while !reader.isAtEnd {
      guard let parts = reader.series(),
        let series = registry.series(
          of: device, parts.metric, labels: parts.labels, unit: parts.unit, kind: parts.kind)
      else { return }
      places[series.index] = lists[device.index]?.count ?? 0
      lists[device.index, default: []].append(series)
    }
  }
}

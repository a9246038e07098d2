import Telemetry

/// What a window hands on, as bytes: for each series its place in the device's list, the reading's time and its value.
extension Carries {
  private static let version: UInt8 = 2

  public func packed(at end: Timestamp, seriesOf: (Int) -> Series, place: (Series) -> Int) -> [UInt8] {
    var writer = PackedWriter()
    writer.byte(Carries.version)
    for (index, carry) in sorted(by: { $0.key < $1.key }) {
      let series = seriesOf(index)
      writer.count(place(series))
      writer.time(carry.time, from: end)
      switch carry.value {
      case .number(let number): writer.number(number)
      case .state(let state): writer.text(state)
      }
    }
    return writer.bytes
  }

  /// `nil` where the bytes aren't ours.
  public init?(packed bytes: [UInt8], at end: Timestamp, list: [Series]) {
    var reader = PackedReader(bytes)
    guard reader.byte() == Carries.version else { return nil }
    self.init()
    while !reader.isAtEnd {
      guard let place = reader.count(), list.indices.contains(place), let time = reader.time(from: end) else {
        return nil
      }
      let series = list[place]
      if series.kind == .state {
        guard let state = reader.text() else { return nil }
        self[series.index] = Carry(value: .state(state), time: time)
      } else {
        guard let number = reader.number() else { return nil }
        self[series.index] = Carry(value: .number(number), time: time)
      }
    }
  }
}

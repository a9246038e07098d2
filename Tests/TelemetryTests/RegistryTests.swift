import Telemetry
import Testing

@Suite("each device and each series is made once")
struct RegistryTests {
  @Test("a series is found again, however many its device has and whatever came between")
  func series() throws {
    let registry = Registry()
    let devices = try ["a", "b"].map { try #require(registry.device($0, class: .camera, site: nil)) }
    // Far more than are looked through one by one.
    func ask(_ device: Device, _ number: Int) -> Series? {
      registry.series(
        of: device, "m\(number / 4)", labels: number % 2 == 0 ? [] : [.init("lane", "\(number)")], unit: "1",
        kind: number % 4 < 2 ? .gauge : .counter)
    }
    let first = devices.map { device in (0..<100).compactMap { ask(device, $0) } }
    #expect(Set(first.joined().map(\.index)).count == 200)
    for number in (0..<100).reversed() {
      for (device, known) in zip(devices, first) { #expect(ask(device, number) === known[number]) }
    }
  }

  @Test("the limits hold, and what is refused is counted")
  func limits() throws {
    let registry = Registry(limits: .init(devices: 1, series: 2))
    let device = try #require(registry.device("a", class: .camera, site: nil))
    #expect(registry.device("b", class: .camera, site: nil) == nil)
    for name in ["m", "n"] { #expect(registry.series(of: device, name, unit: "1", kind: .gauge) != nil) }
    #expect(registry.series(of: device, "o", unit: "1", kind: .gauge) == nil)
    #expect(registry.series(of: device, "m", unit: "1", kind: .gauge) != nil)
    #expect(registry.refused == 2)
  }
}

import Telemetry
import Testing

@testable import Decoding

/// Section 3 of the interfaces: when a payload's time counts.
@Suite("time of observations")
struct TimeRuleTests {
  private func bench(_ unit: TimeMapping.Unit, zone: String? = nil) throws -> Bench {
    try Bench(
      try source("#", "json", time: TimeMapping(path: "/t", unit: unit), timezone: zone), zone: "Asia/Jakarta")
  }

  private func result(_ bench: Bench, _ time: String) -> String {
    bench.decode("x", #"{"t":\#(time),"v":1}"#)
    return "\(bench.timeSources.first ?? "-") \(bench.times.first ?? "-")"
  }

  private let received = "received 2026-11-22T03:40:12.900Z"

  @Test("a payload without a time has that of receipt")
  func none() throws {
    let bench = try bench(.seconds)
    bench.decode("x", #"{"v":1}"#)
    #expect(bench.timeSources == ["received"])
    #expect(bench.times == ["2026-11-22T03:40:12.900Z"])
    #expect(bench.isDecoded)
    for nothing in ["null", #""""#] {
      #expect(result(bench, nothing) == received)
      #expect(bench.isDecoded)
    }
  }

  @Test("2020 is the first year that counts")
  func before2020() throws {
    let bench = try bench(.seconds)
    #expect(result(bench, "1577836799.999") == received)
    #expect(result(bench, "1577836800") == "payload 2020-01-01T00:00:00Z")
    for never in ["0", "1.61", "-5"] {
      #expect(result(bench, never) == received)
      #expect(bench.isDecoded)
    }
  }

  @Test("more than five minutes ahead counts only against a trusted clock")
  func ahead() throws {
    let bench = try bench(.milliseconds)
    #expect(result(bench, "1795319112900") == "payload 2026-11-22T03:45:12.900Z")
    #expect(result(bench, "1795319112901") == received)
    bench.reception.clockTrusted = false
    #expect(result(bench, "1795319112901") == "payload 2026-11-22T03:45:12.901Z")
    #expect(result(bench, "4102444800000") == "payload 2100-01-01T00:00:00Z")
    #expect(result(bench, "1577836799999") == received)
  }

  @Test("an old time stays what it is")
  func old() throws {
    #expect(result(try bench(.seconds), "1609459200") == "payload 2021-01-01T00:00:00Z")
  }

  @Test("each unit, as number and as text")
  func units() throws {
    let cases: [(TimeMapping.Unit, String, String)] = [
      (.seconds, "1795318800", "2026-11-22T03:40:00Z"), (.seconds, "1795318800.25", "2026-11-22T03:40:00.250Z"),
      (.milliseconds, "1795318800250", "2026-11-22T03:40:00.250Z"),
      (.microseconds, "1795318800250001", "2026-11-22T03:40:00.250001Z"),
      (.nanoseconds, "1795318800250001002", "2026-11-22T03:40:00.250001002Z"),
      (.seconds, #""1795318800""#, "2026-11-22T03:40:00Z"), (.seconds, #""1795318800.5""#, "2026-11-22T03:40:00.500Z"),
      (.iso, #""2026-11-22T03:40:00Z""#, "2026-11-22T03:40:00Z"),
      (.iso, #""2026-11-22 10:40:00.5+07:00""#, "2026-11-22T03:40:00.500Z"),
      (.iso, #""2026-11-22T10:40:00""#, "2026-11-22T03:40:00Z"),
    ]
    for (unit, text, expected) in cases {
      #expect(result(try bench(unit), text) == "payload \(expected)", "\(text)")
    }
  }

  @Test("a naive time is local to the source's zone, else to the gateway's")
  func zones() throws {
    #expect(result(try bench(.iso, zone: "Asia/Jayapura"), #""2026-11-22T12:40:00""#) == "payload 2026-11-22T03:40:00Z")
    #expect(result(try bench(.iso), #""2026-11-22T10:40:00""#) == "payload 2026-11-22T03:40:00Z")
  }

  @Test("what is no time is a fault, and the reading keeps the time of receipt")
  func unreadable() throws {
    let cases: [(TimeMapping.Unit, String)] = [
      (.seconds, #""yesterday""#), (.seconds, "true"), (.seconds, "{}"), (.seconds, "1e300"), (.seconds, "NaN"),
      (.iso, "1795318800"), (.iso, #""2026-13-01T00:00:00Z""#), (.nanoseconds, "1e30"),
      (.seconds, "9223372036854775807"),
    ]
    for (unit, text) in cases {
      let bench = try bench(unit)
      #expect(result(bench, text) == received, "\(text)")
      #expect(bench.isPartial, "\(text)")
      #expect(bench.faults.first?.hasPrefix("/t: ") == true, "\(text)")
    }
  }

  @Test("the time's own place may be deep, and is then no reading")
  func deepTime() throws {
    let bench = try Bench(try source("#", "json", time: TimeMapping(path: "/m/0/at", unit: .seconds)))
    #expect(
      bench.lines("x", #"{"v":2,"m":[{"at":1795318800,"w":3}]}"#) == ["x v = 2.0 1 gauge", "x m.0.w = 3.0 1 gauge"])
    #expect(bench.times == ["2026-11-22T03:40:00Z", "2026-11-22T03:40:00Z"])
  }

  @Test("retained messages decode alike")
  func retained() throws {
    let bench = try bench(.seconds)
    bench.reception.retained = true
    #expect(result(bench, "1795318800") == "payload 2026-11-22T03:40:00Z")
  }
}

@Suite("time zones")
struct LocalZoneTests {
  private func instant(_ zone: String, _ local: String, directory: String = "/usr/share/zoneinfo") -> String? {
    guard let zone = LocalZone(named: zone, directory: directory), let parts = RFC3339.parts(local) else { return nil }
    return RFC3339.format(zone.instant(ofLocal: parts.local))
  }

  @Test("the zones of Indonesia work without zone files")
  func fixed() {
    let nowhere = "/nonexistent"
    #expect(instant("Asia/Jakarta", "2026-11-22T10:40:00", directory: nowhere) == "2026-11-22T03:40:00Z")
    #expect(instant("Asia/Makassar", "2026-11-22T11:40:00", directory: nowhere) == "2026-11-22T03:40:00Z")
    #expect(instant("Asia/Jayapura", "2026-11-22T12:40:00", directory: nowhere) == "2026-11-22T03:40:00Z")
    #expect(instant("UTC", "2026-11-22T03:40:00", directory: nowhere) == "2026-11-22T03:40:00Z")
    #expect(LocalZone(named: "Europe/Berlin", directory: nowhere) == nil)
  }

  @Test("names that are no zones, or paths out of the folder, are none")
  func names() {
    for name in [
      "", "Asia", "Asia/Nowhere", "/etc/passwd", "../../etc/passwd", "Asia/../Asia/Jakarta", "a b", "posixrules\0",
    ] {
      #expect(LocalZone(named: name) == nil, "\(name)")
    }
  }

  @Test(
    "zone files are read", .enabled(if: Files.read("/usr/share/zoneinfo/Europe/Berlin") != nil, "no zone files here"))
  func files() {
    #expect(instant("Asia/Jakarta", "2026-11-22T10:40:00") == "2026-11-22T03:40:00Z")
    #expect(instant("Asia/Jakarta", "2090-01-01T07:00:00") == "2090-01-01T00:00:00Z")
    #expect(instant("Asia/Kathmandu", "2026-01-01T05:45:00") == "2026-01-01T00:00:00Z")
    #expect(instant("America/New_York", "2026-01-01T00:00:00") == "2026-01-01T05:00:00Z")
    #expect(instant("Europe/Berlin", "2026-01-15T12:00:00") == "2026-01-15T11:00:00Z")
    #expect(instant("Europe/Berlin", "2026-07-15T12:00:00") == "2026-07-15T10:00:00Z")
    // The hour that comes twice: the first one. The hour that there isn't: as if the clock had not been put forward.
    #expect(instant("Europe/Berlin", "2026-10-25T02:30:00") == "2026-10-25T00:30:00Z")
    #expect(instant("Europe/Berlin", "2026-03-29T02:30:00") == "2026-03-29T01:30:00Z")
  }

  @Test("a damaged zone file is none")
  func damaged() {
    #expect(TZifFile([]) == nil)
    #expect(TZifFile(Array("TZif2".utf8) + [UInt8](repeating: 0xff, count: 60)) == nil)
    guard let whole = Files.read("/usr/share/zoneinfo/Asia/Jakarta") else { return }
    for count in 0..<whole.count { _ = TZifFile(Array(whole[..<count])) }
  }
}

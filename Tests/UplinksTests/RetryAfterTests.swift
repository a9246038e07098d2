import Telemetry
import Testing

@testable import Uplinks

@Suite("Retry-After")
struct RetryAfterTests {
  private let wall = RFC3339.parse("2001-01-01T00:00:00Z")!

  @Test("seconds", arguments: [("0", 0), ("120", 120), (" 7 ", 7), ("999999999", 999_999_999)])
  func seconds(text: String, seconds: Int64) {
    #expect(RetryAfter.parse(text, date: nil, wall: wall) == .seconds(seconds))
  }

  @Test("a date counts from the server's own clock, since the box's may be years off")
  func date() {
    #expect(
      RetryAfter.parse(
        "Sun, 22 Nov 2026 03:42:00 GMT", date: "Sun, 22 Nov 2026 03:40:30 GMT", wall: wall) == .seconds(90))
    #expect(
      RetryAfter.parse(
        "Sun, 22 Nov 2026 03:40:00 GMT", date: "Sun, 22 Nov 2026 03:40:30 GMT", wall: wall) == .zero)
    #expect(RetryAfter.parse("Mon, 01 Jan 2001 00:00:10 GMT", date: nil, wall: wall) == .seconds(10))
    #expect(RetryAfter.parse("Mon, 01 Jan 2001 00:00:10 GMT", date: "rubbish", wall: wall) == .seconds(10))
  }

  @Test("digits without end mean a long time, not an overflow")
  func digits() {
    #expect(RetryAfter.parse(String(repeating: "9", count: 500), date: nil, wall: wall) == .hours(24 * 365))
  }

  @Test(
    "anything else counts as absent",
    arguments: [
      "", "-1", "1.5", "soon", "Sun, 22 Nov 2026", "Sun, 31 Feb 2026 03:40:00 GMT", "Sun, 22 Nov 2026 24:00:00 GMT",
      "Sun, 22 Nov 99999 03:40:00 GMT", "Sun, 22 Nov 2026 03:40 GMT", "Sun, 22 Foo 2026 03:40:00 GMT",
    ])
  func rubbish(text: String) {
    #expect(RetryAfter.parse(text, date: nil, wall: wall) == nil)
  }
}

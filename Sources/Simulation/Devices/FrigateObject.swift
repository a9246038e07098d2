import Telemetry

/// Something that a Frigate box follows, and the events that it tells of it.
struct FrigateObject: Sendable {
  /// Of the times in its events.
  static let precision = Span(nanoseconds: 1000)

  let label: String
  let camera: String
  private let id: String
  private let start: Timestamp

  init(camera: String, start: Timestamp, number: Int, random: inout SeededRandom) {
    label = ["person", "person", "person", "car", "motorcycle"][random.integer(0...4)]
    self.camera = camera
    self.start = start
    var id = PayloadWriter(capacity: 24)
    id.epochSeconds(start)
    id.text("-")
    var rest = UInt64(number) &* 2_654_435_761 &+ random.next() % 36
    for _ in 0..<6 {
      id.string(String(rest % 36, radix: 36))
      rest /= 36
    }
    self.id = String(decoding: id.bytes, as: UTF8.self)
  }

  /// `type` is `new`, `update` or `end`.
  func event(_ type: StaticString, at time: Timestamp, random: inout SeededRandom) -> [UInt8] {
    let isNew = type.utf8CodeUnitCount == 3 && type.utf8Start[0] == UInt8(ascii: "n")
    let isEnd = type.utf8CodeUnitCount == 3 && !isNew
    var out = PayloadWriter(capacity: 1400)
    out.text(#"{"type":""#)
    out.text(type)
    out.text(#"","before":"#)
    state(at: isNew ? start : max(start, time - .milliseconds(200)), ended: false, random: &random, to: &out)
    out.text(#","after":"#)
    state(at: time, ended: isEnd, random: &random, to: &out)
    out.text("}")
    return out.bytes
  }

  private func state(at time: Timestamp, ended: Bool, random: inout SeededRandom, to out: inout PayloadWriter) {
    let left = random.integer(0...700)
    let top = random.integer(0...400)
    let width = random.integer(40...240)
    let height = random.integer(80...300)
    out.text(#"{"id":""#)
    out.string(id)
    out.text(#"","camera":""#)
    out.string(camera)
    out.text(#"","frame_time":"#)
    out.epochSeconds(time)
    out.text(#","label":""#)
    out.string(label)
    out.text(#"","sub_label":null,"top_score":"#)
    out.decimal(random.between(0.85, 0.97), 6)
    out.text(#","false_positive":false,"start_time":"#)
    out.epochSeconds(start)
    out.text(#","end_time":"#)
    if ended { out.epochSeconds(time) } else { out.text("null") }
    out.text(#","score":"#)
    out.decimal(random.between(0.7, 0.85), 6)
    out.text(#","box":"#)
    box(left, top, left + width, top + height, to: &out)
    out.text(#","area":"#)
    out.integer(width * height)
    out.text(#","ratio":"#)
    out.decimal(Double(width) / Double(height), 6)
    out.text(#","region":"#)
    box(max(0, left - 80), max(0, top - 80), left + width + 80, top + height + 80, to: &out)
    out.text(#","current_zones":["gate"],"entered_zones":["gate"],"has_snapshot":"#)
    out.boolean(ended)
    out.text(#","has_clip":"#)
    out.boolean(ended)
    out.text(#","active":"#)
    out.boolean(!ended)
    out.text(#","stationary":false,"motionless_count":0,"position_changes":1,"attributes":{}}"#)
  }

  private func box(_ left: Int, _ top: Int, _ right: Int, _ bottom: Int, to out: inout PayloadWriter) {
    for (index, value) in [left, top, right, bottom].enumerated() {
      out.text(index == 0 ? "[" : ",")
      out.integer(value)
    }
    out.text("]")
  }
}

/// Payloads that no decoder can make a reading of, in the ways in which they come from the field.
enum Rubbish {
  /// Something else in the place of `payload`.
  static func make(from payload: [UInt8], random: inout SeededRandom) -> [UInt8] {
    switch random.integer(0...4) {
    case 0: cutOff(payload, random: &random)
    case 1: []
    case 2: binary(random: &random)
    case 3: wrongTypes(random: &random)
    default: snapshot(random: &random)
    }
  }

  /// A payload whose rest is missing. A single character can't be cut; it becomes a dash, as meters without a
  /// reading show.
  private static func cutOff(_ payload: [UInt8], random: inout SeededRandom) -> [UInt8] {
    guard payload.count > 8 else { return Array("--".utf8) }
    return Array(payload.prefix(random.integer(payload.count / 4...payload.count * 3 / 4)))
  }

  private static func binary(random: inout SeededRandom) -> [UInt8] {
    // 0xff begins no UTF-8 text.
    [0xff] + (0..<random.integer(8...200)).map { _ in UInt8(truncatingIfNeeded: random.next() >> 32) }
  }

  private static func wrongTypes(random: inout SeededRandom) -> [UInt8] {
    let texts = [
      #"{"ts":"yesterday","fps":"fast","bitrate":null,"temp":{"value":[]},"uptime":"long","status":17}"#,
      #"{"ts":null,"fps":[],"temp":"n/a"}"#,
      #"["fps",25]"#,
      #""error: sensor not ready""#,
      "null",
    ]
    return Array(texts[random.integer(0...texts.count - 1)].utf8)
  }

  /// What a camera sends that was set up to publish snapshots on its telemetry topic: the head of a JPEG file
  /// (SOI, APP0 "JFIF") and data.
  private static func snapshot(random: inout SeededRandom) -> [UInt8] {
    var bytes: [UInt8] = [0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 72, 0, 72, 0, 0]
    for _ in 0..<random.integer(600...3000) { bytes.append(UInt8(truncatingIfNeeded: random.next() >> 32)) }
    return bytes + [0xff, 0xd9]
  }
}

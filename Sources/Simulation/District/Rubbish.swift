/// Payloads that no decoder can make a reading of, in the ways in which they come from the field: not even a part of
/// one, so that a gateway must count them for nobody.
enum Rubbish {
  /// Something else in the place of `payload`.
  static func make(from payload: [UInt8], random: inout SeededRandom) -> [UInt8] {
    switch random.integer(0...4) {
    case 0: cutOff(payload, random: &random)
    case 1: []
    case 2: binary(random: &random)
    case 3: wrongTypes(isWord: !isDocument(payload) && lineHead(payload) == nil, random: &random)
    default: snapshot(random: &random)
    }
  }

  /// A payload whose rest is missing, as far as what is left is no reading: of lines, not even the first one's fields
  /// are there. What is left of a single word would be a word, or another number; it goes altogether.
  private static func cutOff(_ payload: [UInt8], random: inout SeededRandom) -> [UInt8] {
    guard let whole = isDocument(payload) ? payload.count : lineHead(payload) else { return [] }
    return Array(payload.prefix(random.integer(whole / 4...whole * 3 / 4)))
  }

  private static func isDocument(_ payload: [UInt8]) -> Bool {
    payload.first == UInt8(ascii: "{") || payload.first == UInt8(ascii: "[")
  }

  /// How long measurement and tags of a first influx line are; `nil` where the payload is none.
  private static func lineHead(_ payload: [UInt8]) -> Int? {
    guard let end = payload.firstIndex(of: UInt8(ascii: " ")), payload[..<end].contains(UInt8(ascii: "=")) else {
      return nil
    }
    return end
  }

  private static func binary(random: inout SeededRandom) -> [UInt8] {
    // 0xff begins no UTF-8 text.
    [0xff] + (0..<random.integer(8...200)).map { _ in UInt8(truncatingIfNeeded: random.next() >> 32) }
  }

  /// In the place of a word stands a document: any other word might be one, too.
  private static func wrongTypes(isWord: Bool, random: inout SeededRandom) -> [UInt8] {
    let documents = [
      #"{"ts":"yesterday","fps":"fast","bitrate":null,"temp":{"value":[]},"uptime":"long","status":{}}"#,
      #"{"ts":null,"fps":[],"temp":"n/a"}"#,
      #"["fps",25]"#,
    ]
    let texts = isWord ? documents : documents + [#""error: sensor not ready""#, "null"]
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

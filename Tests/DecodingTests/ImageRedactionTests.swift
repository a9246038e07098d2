import Telemetry
import Testing

@testable import Decoding

@Suite("images are not kept")
struct ImageRedactionTests {
  private func redact(_ payload: [UInt8]) -> String? {
    payload.withUnsafeBytes { ImageRedaction.redact($0) }.map { String(decoding: $0, as: UTF8.self) }
  }

  private func redact(_ payload: String) -> String? { redact(Array(payload.utf8)) }

  /// Bytes as of a compressed picture.
  private let noise: [UInt8] = {
    var dice = HostileInputTests.Dice(state: 7)
    return (0..<3000).map { _ in UInt8.random(in: 1...255, using: &dice) }
  }()

  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  private func base64(_ bytes: [UInt8]) -> String {
    var out: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = (0..<3).map { start + $0 < bytes.count ? UInt32(bytes[start + $0]) : 0 }
      let word = group[0] << 16 | group[1] << 8 | group[2]
      for shift in [18, 12, 6, 0] as [UInt32] { out.append(ImageRedactionTests.alphabet[Int(word >> shift & 63)]) }
    }
    return String(decoding: out, as: UTF8.self)
  }

  @Test(
    "an image is recognised by its first bytes, whatever its topic",
    arguments: [
      ([0xff, 0xd8, 0xff, 0xe0], "image/jpeg"), ([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], "image/png"),
      ([0, 0, 0, 0x20] + Array("ftypisom".utf8), "video/mp4"), (Array("GIF89a".utf8), "image/gif"),
      (Array("RIFF\u{1}\u{2}\u{3}\u{4}WEBPVP8 ".utf8), "image/webp"),
    ])
  func raw(_ head: [UInt8], _ type: String) throws {
    let payload = head + noise
    let kept = try #require(redact(payload))
    #expect(kept.hasPrefix("lumbung:\(type);bytes=\(payload.count);sha256="))
    #expect(kept.utf8.count < 160)
    #expect(redact(payload) == kept)
    #expect(redact(head + noise.reversed()) != kept)
    // What is kept is kept as it is.
    #expect(redact(kept) == nil)
  }

  @Test("the hash is SHA-256 of the image")
  func hash() throws {
    // printf '\xff\xd8\xff' | sha256sum
    let hash = "6e568e1f67fba258184c78181539e5e8fdee447e49bb706fc0ea34fbf12336a5"
    #expect(redact([0xff, 0xd8, 0xff]) == "lumbung:image/jpeg;bytes=3;sha256=\(hash)")
  }

  @Test("the shortest image is found wherever it stands, and text that is one character shorter is left")
  func everywhere() {
    let shortest = base64([0xff, 0xd8, 0xff, 0xe0] + noise.prefix(44))
    #expect(shortest.utf8.count == ImageRedaction.shortestText)
    for before in 0..<130 {
      let head = "{\"a\":\"" + String(repeating: "b c ", count: before / 4) + String(repeating: ".", count: before % 4)
      let tail = "\"," + String(repeating: "\"x\":1,", count: 100) + "\"y\":2}"
      #expect(redact(head + "\",\"i\":\"" + shortest + tail)?.contains("lumbung:image/jpeg") == true)
      #expect(redact(head + "\",\"i\":\"" + shortest.dropLast() + tail) == nil)
      #expect(redact(tail + head + "\",\"i\":\"" + shortest + "\"}")?.contains("lumbung:image/jpeg") == true)
    }
  }

  @Test("base64 in JSON is replaced, and all else stays as it was")
  func inside() throws {
    let picture = base64([0xff, 0xd8, 0xff, 0xe0] + noise)
    let payload =
      #"{"camera": "lobi", "thumbnail":"\#(picture)", "score" : 0.5, "more":["data:image/png;base64,\#(picture)"]}"#
    let kept = try #require(redact(payload))
    #expect(kept.hasPrefix(#"{"camera": "lobi", "thumbnail":"lumbung:image/jpeg;bytes="#))
    #expect(kept.contains(#"", "score" : 0.5, "more":["lumbung:image/"#))
    #expect(kept.hasSuffix(#""]}"#))
    for start in stride(from: 0, to: picture.utf8.count - 16, by: 7) {
      let run = String(picture.dropFirst(start).prefix(16))
      #expect(!kept.contains(run))
    }
    #expect(redact(kept) == nil)
    let bench = try Bench(format: "json")
    #expect(bench.lines("t", kept).filter { !$0.contains("lumbung") } == bench.observations.map(Bench.line))
    #expect(bench.observations.map(Bench.line) == ["t camera = lobi 1 state", "t score = 0.5 1 gauge"])
    #expect(bench.isPartial)
  }

  @Test("escaped slashes, MIME's lines, both alphabets, XML, and a URI alone")
  func forms() throws {
    let jpeg = [0xff, 0xd8, 0xff, 0xe0] + noise
    let picture = base64(jpeg)
    let escaped = String(picture.map { $0 == "/" ? "\\/" : String($0) }.joined())
    #expect(redact(#"{"image":"\#(escaped)"}"#)?.utf8.count ?? 9999 < 200)
    let urlSafe = String(picture.map { $0 == "/" ? "_" : $0 == "+" ? "-" : $0 })
    #expect(redact(#"{"image":"\#(urlSafe)"}"#)?.utf8.count ?? 9999 < 200)
    var lines = ""
    for (index, character) in picture.enumerated() {
      lines.append(character)
      if index % 76 == 75 { lines += "\r\n" }
    }
    #expect(redact(lines)?.hasPrefix("lumbung:image/jpeg") == true)
    #expect(redact("<event><picture>\(picture)</picture></event>")?.hasSuffix("</picture></event>") == true)
    #expect(redact("data:image/webp;base64,\(picture)")?.utf8.count ?? 9999 < 200)
  }

  @Test("reports, keys and long texts are no images")
  func others() {
    for file in Files.cases { #expect(redact(file.payload) == nil, "\(file.name)") }
    for file in Files.published where !file.name.contains("image") {
      #expect(redact(file.payload) == nil, "\(file.name)")
    }
    let token = String(repeating: "aB3", count: 120)
    #expect(redact(#"{"token":"\#(token)","text":"\#(String(repeating: "a word ", count: 600))"}"#) == nil)
    // Long enough for a picture, and none.
    #expect(redact(String(repeating: "x", count: 70_000)) == nil)
    #expect(redact(#"{"firmware":"\#(base64(noise))"}"#) == nil)
    #expect(redact("data:application/pdf;base64,\(base64(noise))") == nil)
    #expect(redact("GIF") == nil)
    #expect(redact("") == nil)
    #expect(redact(String(repeating: "{\"a\":1},", count: 1000)) == nil)
  }

  @Test("no format takes what is kept of an image for a reading")
  func readings() throws {
    let marker = try #require(redact([0xff, 0xd8, 0xff, 0xe0] + noise))
    for format in Decoder.formats {
      let bench = try Bench(format: format)
      for topic in [
        "frigate/a/person/snapshot", "tele/a/SENSOR", "a/onvif-ej/X", "axis/1/event/x", "spBv1.0/g/NDATA/n",
      ] {
        #expect(bench.lines(topic, marker).isEmpty, "\(format) \(topic)")
      }
    }
  }

  @Test("a large document is looked through once, whatever it is made of")
  func time() {
    for piece in ["\"", "a", "\n", "\"a", ">data:", "\"data:image/png;base64,", "\\/", " "] {
      #expect(redact("{" + String(repeating: piece, count: 200_000 / piece.utf8.count)) == nil)
    }
  }
}

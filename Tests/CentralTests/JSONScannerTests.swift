import Testing

@testable import Central

@Suite("JSON")
struct JSONScannerTests {
  private func accepts(_ text: String) -> Bool {
    var scanner = JSONScanner(Array(text.utf8))
    do {
      _ = try scanner.value()
      try scanner.finish()
      return true
    } catch {
      return false
    }
  }

  @Test(
    "what the grammar allows is passed over",
    arguments: [
      "null", " true ", "false", "0", "-0", "-12.5e+10", "1E400", "123456789012345678901234567890", "\"\"",
      #""\u00e9\ud83d\ude00\n\/""#, "[]", "[ ]", "{}", #"{"a":[1,{"b":null}],"a":2}"#, "\"é\"",
    ])
  func valid(text: String) { #expect(accepts(text)) }

  @Test(
    "what the grammar doesn't allow is refused",
    arguments: [
      "", " ", "nul", "nulll", "01", "1.", ".5", "+1", "-", "1e", "NaN", "Infinity", "\"", "\"\\x\"", "\"\\u12g4\"",
      "\"\\u12", "\"a\nb\"", "[1,]", "[1 2]", "[", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}",
      "{\"a\":1", "1 2", "'a'",
    ])
  func invalid(text: String) { #expect(!accepts(text)) }

  @Test("nesting is followed to a limit and no further")
  func depth() {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(accepts(nested(JSONScanner.maximumDepth)))
    #expect(!accepts(nested(JSONScanner.maximumDepth + 1)))
    #expect(!accepts(String(repeating: "{\"a\":", count: 100_000)))
  }

  @Test("every truncation and every changed byte of a document is refused or passed over, and never traps")
  func damage() {
    let document = Array(#"{"a":[1.5e3,"x\u00e9\n",{"b":null,"c":[true,false]}],"d":"\ud83d\ude00"}"#.utf8)
    for length in document.indices { #expect(!accepts(String(decoding: document[..<length], as: UTF8.self))) }
    for index in document.indices {
      for byte in stride(from: UInt8(0), to: 128, by: 7) {
        var changed = document
        changed[index] = byte
        var scanner = JSONScanner(changed)
        if let range = try? scanner.value() { _ = JSONText.string(changed, range) }
      }
    }
  }

  @Test("strings are read with their escapes, and half a surrogate pair is none")
  func strings() {
    func string(_ text: String) -> String? {
      let bytes = Array(text.utf8)
      return JSONText.string(bytes, bytes.indices)
    }
    #expect(string(#""a\"\\\/\b\f\n\r\tz""#) == "a\"\\/\u{8}\u{c}\n\r\tz")
    #expect(string(#""caf\u00e9 \ud83d\ude00!""#) == "café 😀!")
    #expect(string(#""\ud83d""#) == nil)
    #expect(string(#""\ud83dx\ude00""#) == nil)
    #expect(string(#""\ude00\ud83d""#) == nil)
    #expect(string("12") == nil)
  }

  @Test("only whole numbers within 64 bits are integers")
  func integers() {
    func integer(_ text: String) -> Int64? {
      let bytes = Array(text.utf8)
      return JSONText.integer(bytes, bytes.indices)
    }
    #expect(integer("9223372036854775807") == .max)
    #expect(integer("-3") == -3)
    #expect(integer("9223372036854775808") == nil)
    #expect(integer("1.0") == nil)
    #expect(integer("1e3") == nil)
    #expect(integer("\"1\"") == nil)
  }

  @Test("a fingerprint doesn't see layout, and sees content")
  func fingerprints() {
    let plain = Fingerprint.of(Array(#"{"a b":1,"c":"\" x"}"#.utf8))
    #expect(Fingerprint.of(Array("{ \"a b\" :\n1,\"c\":\t\"\\\" x\" }".utf8)) == plain)
    #expect(Fingerprint.of(Array(#"{"ab":1,"c":"\" x"}"#.utf8)) != plain)
    #expect(Fingerprint.of(Array(#"{"a b":1,"c":"\"x"}"#.utf8)) != plain)
  }
}

import Testing

@testable import Telemetry

@Suite("Base 64")
struct Base64TextTests {
  @Test(
    "is written as RFC 4648 has it",
    arguments: [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
      ("foobar", "Zm9vYmFy"),
    ])
  func vectors(text: String, expected: String) { #expect(Base64Text.encode(Array(text.utf8)) == expected) }

  @Test("has a character for each of the 64 values")
  func alphabet() { #expect(Base64Text.encode([0xfb, 0xff, 0xbf, 0x00, 0x10, 0x83]) == "+/+/ABCD") }
}

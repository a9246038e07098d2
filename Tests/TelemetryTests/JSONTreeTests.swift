import Testing

@testable import Telemetry

@Suite("A JSON text taken apart")
struct JSONTreeTests {
  private func tree(_ text: String) throws -> JSONTree { try JSONTree(Array(text.utf8)) }

  @Test("holds what the text says")
  func whole() throws {
    let tree = try tree(#" {"a":[1,-2.5e1,true,null,"x"],"b":{"c":""},"a":7} "#)
    #expect(tree["a"]?.elements == [.number(1), .number(-25), .boolean(true), .null, .string("x")])
    #expect(tree["b"]?["c"]?.text == "")
    #expect(tree.members?.map(\.key) == ["a", "b", "a"])
    #expect(tree["z"] == nil && tree["a"]?.text == nil && JSONTree.null["a"] == nil)
  }

  @Test(
    "knows every escape",
    arguments: [
      (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"), (#""\u00e9\ud83d\ude00""#, "é😀"), (#""plain é""#, "plain é"),
    ])
  func escapes(text: String, expected: String) throws { #expect(try tree(text).text == expected) }

  @Test("gives whole numbers only where a double holds them exactly")
  func integers() throws {
    #expect(try tree("9000").integer == 9000)
    #expect(try tree("-1").integer == -1)
    #expect(try tree("1.5").integer == nil)
    #expect(try tree("1e300").integer == nil)
  }

  @Test(
    "stops at the byte that is no JSON",
    arguments: [
      ("", 0), ("{", 1), (#"{"a":}"#, 5), (#"{"a" 1}"#, 5), ("[1,]", 3), ("[1 2]", 3), ("{} x", 3), ("tru", 0),
      ("01", 1), ("1.", 2), ("-", 1), ("1e", 2), ("1e999", 0), (#""\x""#, 3), (#""\u12""#, 3), (#""\ud83d""#, 7),
      ("\"\n\"", 1), (#"{a:1}"#, 1), ("NaN", 0),
    ])
  func faults(text: String, offset: Int) {
    #expect(throws: JSONTree.Fault.self) { try tree(text) }
    do { _ = try tree(text) } catch { #expect((error as? JSONTree.Fault)?.offset == offset, "\(text)") }
  }

  @Test("refuses what is nested without end")
  func depth() throws {
    #expect(throws: JSONTree.Fault.self) {
      try tree(String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000))
    }
    _ = try tree(String(repeating: "[", count: 31) + String(repeating: "]", count: 31))
  }
}

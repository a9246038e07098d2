import Testing

@testable import Settings

/// The small values that settings are made of.
@Suite struct ValueTests {
  @Test("the distance counts insertions, removals, replacements and swaps")
  func distance() {
    func distance(_ a: String, _ b: String) -> Int { Suggestion.distance(Array(a.utf8), Array(b.utf8)) }
    #expect(distance("", "") == 0)
    #expect(distance("", "abc") == 3)
    #expect(distance("window", "widnow") == 1)
    #expect(distance("window", "windo") == 1)
    #expect(distance("window", "wimdow") == 1)
    #expect(distance("abc", "xyz") == 3)
  }

  @Test("only what is near is suggested")
  func suggestion() {
    #expect(Suggestion.nearest(to: "widow", among: ["window", "grace"]) == "window")
    #expect(Suggestion.nearest(to: "Window", among: ["window"]) == "window")
    #expect(Suggestion.nearest(to: "rollup", among: ["window", "grace"]) == nil)
    #expect(Suggestion.nearest(to: String(repeating: "a", count: 1000), among: ["a"]) == nil)
  }

  @Test(
    "addresses to listen on",
    arguments: [
      ("127.0.0.1:8470", "127.0.0.1", 8470), ("[::1]:80", "::1", 80), ("localhost:0", "localhost", 0),
    ])
  func listen(text: String, host: String, port: Int) {
    #expect(ListenAddress(text) == ListenAddress(host: host, port: port))
    #expect(ListenAddress(text)?.description == text)
  }

  @Test(
    "what is no address to listen on",
    arguments: ["", ":80", "a", "a:", "a:b", "a:-1", "a:65536", "::1:80", "[::1]", "[x]:1", "[::1:1", "a b:1", "a:+1"])
  func noListen(text: String) {
    #expect(ListenAddress(text) == nil)
  }

  @Test("a URL is taken apart")
  func url() throws {
    let url = try ServiceURL("HTTPS://[fe80::1]:8443/a/b?c=d")
    #expect(url.scheme == "https" && url.host == "fe80::1" && url.port == 8443)
    #expect(url.path == "/a/b" && url.query == "c=d")
    #expect(try ServiceURL("mqtt://h").port == nil)
  }

  @Test(
    "what is no URL",
    arguments: ["", "a", "://a", "http://", "http:/a", "http://a:b", "http://a@b", "http://a#b", "http://\u{e9}"])
  func noURL(text: String) {
    #expect(throws: ServiceURL.Fault.self) { try ServiceURL(text) }
  }

  @Test("JSON Pointers", arguments: ["", "/", "/a", "/a/0/b~0c~1d", "/a b", "/\u{e9}"])
  func pointers(text: String) {
    #expect(JSONPointer.fault(in: text) == nil)
  }

  @Test("what is no JSON Pointer", arguments: ["a", "a/b", "/~", "/a~2", "/~/a", "$.a.b"])
  func noPointers(text: String) {
    #expect(JSONPointer.fault(in: text) != nil)
  }

  @Test("zones of the system's database", arguments: ["UTC", "Asia/Jakarta", "Etc/GMT-7", "America/Argentina/Ushuaia"])
  func zones(name: String) {
    #expect(TimeZoneName.fault(in: name) == nil)
  }

  @Test("without a zone database, the cure is named")
  func noDatabase() {
    #expect(TimeZoneName.fault(in: "Asia/Jakarta", directory: "/nonexistent")?.hint == "apt install tzdata")
    #expect(TimeZoneName.fault(in: "UTC", directory: "/nonexistent") == nil)
  }
}

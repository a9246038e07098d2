import Testing

@testable import Settings

@Suite struct LineScannerTests {
  private func path(_ steps: [Any]) -> DocumentPath {
    steps.reduce(DocumentPath()) { path, step in
      if let index = step as? Int { return path + .index(index) }
      return path + .key("\(step)")
    }
  }

  private func line(_ text: String, _ steps: Any...) -> Int? { LineScanner.scan(text.utf8).lines[path(steps)] }

  @Test("lists of tables count by themselves, also inside one another")
  func nestedLists() {
    let text = """
      [[source]]
      name = 1
      [[source.metric]]
      name = 2
      [[source.metric]]
      name = 3
      [[source]]
      [source.time]
      path = 4
      [[source.metric]]
      name = 5
      """
    #expect(line(text, "source", 0, "name") == 2)
    #expect(line(text, "source", 0, "metric", 1) == 5)
    #expect(line(text, "source", 0, "metric", 1, "name") == 6)
    #expect(line(text, "source", 1) == 7)
    #expect(line(text, "source", 1, "time", "path") == 9)
    #expect(line(text, "source", 1, "metric", 0, "name") == 11)
    #expect(line(text, "source", 1, "name") == nil)
  }

  @Test("headers and keys inside strings and comments are none")
  func strings() {
    let text = #"""
      a = """
      [b]
      c = 1 \"""
      """
      d = '''
      e = '
      f = 2'''  # g = 3
      # h = 4
      i = "# [j] \" k = 5"
      "l m" = 6
      'n' . o = 7
      p = """x"""""
      q = 8
      """#
    for key in ["b", "c", "e", "f", "g", "h", "j", "k"] { #expect(line(text, key) == nil) }
    #expect(line(text, "a") == 1)
    #expect(line(text, "d") == 5)
    #expect(line(text, "i") == 9)
    #expect(line(text, "l m") == 10)
    #expect(line(text, "n", "o") == 11)
    #expect(line(text, "q") == 13)
  }

  @Test("items of lists and keys of inline tables have lines of their own")
  func inline() {
    let text = """
      a = [ # first
        1,
        { b = 2, c = [3,
          4] },
      ]
      d = 5
      """
    #expect(line(text, "a", 0) == 2)
    #expect(line(text, "a", 1, "b") == 3)
    #expect(line(text, "a", 1, "c", 1) == 4)
    #expect(line(text, "d") == 6)
  }

  @Test("text that is no TOML ends, whatever it is")
  func garbage() {
    var generator = Numbers(state: 7)
    let alphabet = Array("[]{}=,.\"'#\\\n \tab1\r\u{e9}".utf8)
    for _ in 0..<3000 {
      let count = Int.random(in: 0...60, using: &generator)
      let text = (0..<count).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
      let (lines, _) = LineScanner.scan(text)
      let last = 1 + text.count { $0 == UInt8(ascii: "\n") }
      #expect(lines.values.allSatisfy { (1...last).contains($0) })
    }
  }

  @Test("whatever the text is, parsing it gives settings or faults", arguments: 0..<20)
  func hostile(seed: UInt64) {
    var generator = Numbers(state: seed)
    let pieces = [
      "[gateway]\n", "id = \"g\"\n", "[[source]]\n", "name = \"a\"\n", "topic = \"a/{x}\"\n", "[summary]\n",
      "time = { path = \"/a\" }\n", "[[source.metric]]\n", "format = \"json\"\n", "[[alarm]]\n", "below = 1\n",
      "clear = -1e999\n", "window = [1, []]\n", "= \n", "\"\"\"", "x = 1979-05-27T07:32:00Z\n", "[a.b.c]\n",
      "url = \"mqtt://[::1\"\n", "\"\" = 1\n", "labels = { a = 1, b = \"\" }\n", "id = 99999999999999999999\n",
      "device = \"{\"\n", "\u{e9}=1\n", "listen = \":\"\n",
    ]
    for _ in 0..<40 {
      let text = (0..<Int.random(in: 1...12, using: &generator))
        .map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
      do throws(SettingsFaults) {
        let settings = try GatewaySettings.parse(text: text, file: "f", knownFormats: knownFormats)
        #expect(settings.gatewayID == "g")
      } catch {
        #expect(!error.faults.isEmpty)
      }
    }
  }
}

/// A generator that gives the same numbers each time (SplitMix64).
private struct Numbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

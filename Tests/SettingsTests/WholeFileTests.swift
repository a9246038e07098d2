import Testing

@testable import Settings

/// Faults that concern the file as a whole, or several of its parts.
@Suite struct WholeFileTests {
  @Test("all faults are told at once, in the order of their lines")
  func allAtOnce() {
    let found = faults(
      """
      [gateway]
      id = "Oki Kayuagung"
      timezone = "Mars/Base"
      [broker]
      url = "ftp://a"
      [[source]]
      name = "a"
      topic = "a/{x}"
      format = "json"
      device = "{y}"
      [[source]]
      name = "a"
      topic = "b/{x}"
      format = "json"
      device = "{x}"
        [[source.metric]]
        name = "m"
        path = "/m"
        [[source.metric]]
        name = "n"
        paht = "/n"
      [[alarm]]
      name = "q"
      """)
    #expect(found.map(\.line) == [2, 3, 5, 10, 12, 19, 21, 22])
    #expect(found.first?.hint == "for example id = \"oki-kayuagung\"")
    #expect(found[4].message == "the name \"a\" is taken already by the [[source]] in line 7")
    #expect(found[6].hint == "did you mean `path`?")
  }

  @Test("a fault reads FILE:LINE: message (hint)")
  func description() {
    let found = faultsBeside("[store]\nmax_sice = \"1GiB\"")
    #expect(found.first?.description == "test.toml:5: unknown key \"max_sice\" in [store] (did you mean `max_size`?)")
  }

  @Test("a missing id is told, with the line of its table where there is one")
  func missingID() {
    #expect(faults("").map(\.message) == ["`id` is missing in [gateway]"])
    #expect(faults("").first?.line == nil)
    #expect(faults("# nothing\n[gateway]\n").map(\.line) == [2])
  }

  @Test(
    "an id is 1 to 64 of a-z, 0-9 and -", arguments: ["", "Oki", "oki_1", "oki 1", String(repeating: "a", count: 65)])
  func badID(id: String) {
    #expect(faults("[gateway]\nid = \"\(id)\"").map(\.line) == [2])
  }

  @Test("names of sources, alarms and uplinks may not repeat, each kind for itself")
  func duplicateNames() {
    let source = "[[source]]\nname = \"x\"\ntopic = \"a\"\nformat = \"frigate\"\n"
    let alarm = "[[alarm]]\nname = \"x\"\nmissing = \"1m\"\n"
    let uplink = "[[uplink]]\nname = \"x\"\nurl = \"https://a\"\n"
    #expect(faultsBeside(source + alarm + uplink).isEmpty)
    for (kind, length) in [(source, 4), (alarm, 3), (uplink, 3)] {
      let found = faultsBeside(kind + kind)
      #expect(found.map(\.line) == [4 + length + 1])
      #expect(found.first?.message.hasSuffix("in line 5") == true)
    }
  }

  @Test("an error of TOML is told with its line")
  func syntax() {
    let broken = faultsBeside("[store]\nmax_size = 512MiB\n")
    #expect(broken.map(\.line) == [5])
    #expect(broken.first?.hint?.contains("double quotes") == true)
    #expect(faultsBeside("[store\n").map(\.line) == [4])
    #expect(faultsBeside("[store]\npath = \"a\"\npath = \"b\"\n").map(\.line) == [6])
    #expect(faultsBeside("[store]\n[store]\n").map(\.line) == [5])
  }

  @Test("what would be cut off or read as something else is refused")
  func nul() {
    #expect(faults("[gateway]\nid = \"a\0b\"").map(\.line) == [2])
    #expect(faults(#"[gateway]"# + "\n" + #"id = "a\u0000b""#).map(\.line) == [2])
    #expect(faults(#"[gateway]"# + "\n" + #"id = 'a\u0000b'"#).first?.message.contains("must be 1 to 64") == true)
  }

  @Test("a deep nest is refused before anything follows it down")
  func deep() {
    let keys = Array(repeating: "a", count: 200_000).joined(separator: ".")
    #expect(faults("[gateway]\nid = \"a\"\n\(keys) = 1\nbroken").map(\.line) == [3])
    let lists = String(repeating: "[", count: 100_000)
    #expect(faults("[gateway]\nid = \(lists)").map(\.line) == [2])
    let tables = String(repeating: "{a=", count: 100_000)
    #expect(faults("[gateway]\nid = \(tables)").map(\.line) == [2])
  }

  @Test("a file full of mistakes gives a hundred faults and a count")
  func many() {
    let text = "[gateway]\nid = \"g\"\n" + (0..<500).map { "unknown\($0) = 1\n" }.joined()
    let found = faults(text)
    #expect(found.count == 101)
    #expect(found.last?.message == "and 400 more faults of this kind")
  }

  @Test("what is shown of a value is short and harmless on a terminal")
  func shown() {
    let long = String(repeating: "x", count: 5000)
    let found = faultsBeside("[store]\nmax_size = \"\(long)\"\nraw_retention = \"\\u001b[2J\"")
    #expect(found.count == 2)
    #expect(found.allSatisfy { $0.message.utf8.count < 200 && !$0.message.utf8.contains(0x1b) })
  }

  @Test("more than 1 MiB is no configuration")
  func large() {
    let found = faults(minimal + "#" + String(repeating: "x", count: 1 << 20))
    #expect(found.map(\.message) == ["can't be read: it is too large"])
  }
}

import Telemetry
import Testing

@Suite("Topics")
struct TopicTests {
  @Test(
    "a filter matches as MQTT 5 says",
    arguments: [
      ("a/b", "a/b", true), ("a/+", "a/b", true), ("a/+", "a/b/c", false), ("a/#", "a", true), ("a/#", "a/b/c", true),
      ("#", "a/b", true), ("#", "$SYS/x", false), ("+/x", "$SYS/x", false), ("$SYS/#", "$SYS/x", true),
      ("+", "", true), ("a/+/c", "a//c", true), ("a", "b", false), ("a/b", "a", false),
    ])
  func matching(_ filter: String, _ topic: String, _ expected: Bool) throws {
    #expect(try #require(TopicFilter(filter)).matches(topic) == expected)
  }

  @Test("what is no filter is refused", arguments: ["", "a/#/b", "a+/b", "a/b#", "a\0b"])
  func invalid(_ filter: String) { #expect(TopicFilter(filter) == nil) }

  @Test("a cover matches all that its filters match, and no two of it overlap")
  func cover() throws {
    var generator = Seeded(state: 3)
    let parts = ["a", "b", "+", "c"]
    for _ in 0..<2000 {
      let filters = (0..<Int.random(in: 1...6, using: &generator)).compactMap { _ in
        var levels = (0..<Int.random(in: 1...4, using: &generator)).map { _ in parts.randomElement(using: &generator)! }
        if Bool.random(using: &generator) { levels.append("#") }
        return TopicFilter(levels.joined(separator: "/"))
      }
      let cover = TopicCover.cover(filters)
      for (index, filter) in cover.enumerated() {
        for other in cover[(index + 1)...] { #expect(!filter.overlaps(other)) }
      }
      for _ in 0..<20 {
        let topic = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
          ["a", "b", "c", "d"].randomElement(using: &generator)!
        }.joined(separator: "/")
        let hits = cover.count { $0.matches(topic) }
        #expect(hits <= 1)
        if filters.contains(where: { $0.matches(topic) }) { #expect(hits == 1) }
      }
    }
  }

  @Test("a pattern captures levels by name")
  func captures() throws {
    let pattern = try TopicPattern("school/{site}/cctv/{cam}/telemetry")
    #expect(pattern.filter.description == "school/+/cctv/+/telemetry")
    #expect(pattern.match("school/sman1/cctv/cam-03/telemetry") == ["site": "sman1", "cam": "cam-03"])
    #expect(pattern.match("school/sman1/cctv/cam-03") == nil)
    #expect(try TopicPattern("frigate/{rest...}").match("frigate/a/b") == ["rest": "a/b"])
    #expect(try TopicPattern("frigate/{rest...}").match("frigate") == nil)
  }

  @Test("what is no pattern is refused", arguments: ["", "a/{x}b", "{x}/{x}", "{rest...}/a", "a/{}", "#/a"])
  func invalidPattern(_ text: String) { #expect(throws: TopicPattern.Fault.self) { try TopicPattern(text) } }

  @Test("a glob's star crosses slashes, its question mark takes one character")
  func globs() {
    #expect(Glob("sman*").matches("sman1/cam-03"))
    #expect(Glob("*/cam-0?").matches("sman1/cam-03"))
    #expect(!Glob("*/cam-0?").matches("sman1/cam-031"))
    #expect(Glob("a*b*c").matches("a-b-b-c"))
    #expect(Glob("?").matches("é"))
    #expect(!Glob("").matches("a"))
  }

  @Test("a template is filled from captures, or not at all")
  func templates() {
    #expect(Template("{site}/{cam}")?.fill(["site": "s", "cam": "c"]) == "s/c")
    #expect(Template("{site}/{cam}")?.fill(["site": "s"]) == nil)
    #expect(Template("{site") == nil)
    #expect(Template("site}") == nil)
    #expect(Template("{}") == nil)
  }
}

/// A small generator whose sequence a seed decides (SplitMix64).
struct Seeded: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }
}

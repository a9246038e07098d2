import Telemetry
import Testing

@testable import Simulation

@Suite("Config/simulated-district.toml")
struct ConfigurationTests {
  /// The file's text, beside the sources.
  private static let text: String = {
    var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast(3)
    return contents(of: parts.joined(separator: "/") + "/Config/simulated-district.toml")
  }()

  /// Values of all lines `key = "…"`. The whole file is read by the tests of the settings.
  private func values(of key: String) -> [String] {
    ConfigurationTests.text.split(separator: "\n").compactMap { line in
      let parts = line.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " } }
      guard parts.count == 2, parts[0] == key else { return nil }
      return parts[1].split(separator: "\"").first.map(String.init)
    }
  }

  @Test("has a source for every topic that the district uses")
  func coversAllTopics() throws {
    let patterns = try values(of: "topic").map { try TopicPattern($0) }
    #expect(patterns.count > 10)
    var uncovered: Set<String> = []
    var used: Set<Int> = []
    for message in plan(25_000, rate: 1000) {
      guard let index = patterns.firstIndex(where: { $0.match(message.topic) != nil }) else {
        uncovered.insert(message.topic)
        continue
      }
      used.insert(index)
    }
    #expect(uncovered.isEmpty)
    // No source that the district doesn't use.
    #expect(used.count == patterns.count)
  }

  @Test("covers them by subscriptions that don't overlap and don't take everything")
  func subscriptionsAreNarrow() throws {
    let cover = TopicCover.cover(try values(of: "topic").map { try TopicPattern($0).filter })
    #expect(!cover.contains { $0.description == "#" })
    #expect(cover.count >= 6)
  }
}

import Glibc
import Settings
import Telemetry
import Testing

@testable import Discovery

/// A folder of profiles that someone wrote, beside a configuration.
private final class OwnFolder {
  let path: String

  init(_ files: [String: String]) throws {
    var template = Array("/tmp/own-profiles.XXXXXX".utf8CString)
    path = mkdtemp(&template) == nil ? "" : template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    for (name, text) in files {
      let file = try #require(fopen("\(path)/\(name).toml", "w"))
      fputs(text, file)
      fclose(file)
    }
  }

  var shelf: ProfileShelf { ProfileShelf(folders: [path] + profiles.folders, ownFolder: path) }

  deinit {
    for name in shelf.ownNames { unlink("\(path)/\(name).toml") }
    rmdir(path)
  }
}

@Suite("The user's own profiles go before ours")
struct OwnProfileTests {
  private static let mast = """
    about  = "Masts that Pak Budi built"
    class  = "other"
    device = "{mast}"

    [[message]]
    topic = "{mast}/LAPORAN"

      [[message.metric]]
      name  = "wind.speed"
      path  = "/angin"
      unit  = "m/s"
      about = "wind"
    """

  private func heard(_ messages: [(String, String)]) -> Survey {
    var survey = Survey()
    for turn in 0..<3 {
      for (topic, payload) in messages { survey.hear(topic, payload, after: Double(turn) * 30) }
    }
    return survey
  }

  @Test("a topic that one has a rule for, and a payload that it reads, is its own")
  func own() throws {
    let folder = try OwnFolder(["mast": OwnProfileTests.mast])
    let found = try Discovery(
      heard([("kebun/mast-1/LAPORAN", #"{"angin":3.5}"#), ("kebun/mast-2/LAPORAN", #"{"angin":4}"#)]),
      profiles: folder.shelf)
    let source = try #require(found.sources.first)
    #expect(found.sources.count == 1)
    #expect(source.format == "profile:mast")
    #expect(source.notes.first?.contains("profiles/mast.toml, your own") == true)
    #expect(found.trial.devices.map(\.name) == ["mast-1", "mast-2"])
    #expect(found.trial.devices.allSatisfy { $0.sample.series.metric == "wind.speed" })
  }

  @Test("it goes before a format that would be recognised, and before a shipped profile of its name")
  func before() throws {
    let folder = try OwnFolder([
      "frigate-kota": OwnProfileTests.mast.replacing("{mast}/LAPORAN", with: "stats").replacing(
        "\"{mast}\"", with: "\"{prefix}\""
      ).replacing("/angin", with: "/service/uptime"),
      "wled": OwnProfileTests.mast.replacing("{mast}/LAPORAN", with: "{mast}/cahaya"),
    ])
    let found = try Discovery(
      heard([
        ("frigate/stats", #"{"cameras":{"a":{"camera_fps":5}},"service":{"uptime":9}}"#),
        ("kota/led-1/cahaya", #"{"angin":1}"#),
      ]), profiles: folder.shelf)
    #expect(Set(found.sources.map(\.format)) == ["profile:frigate-kota", "profile:wled"])
    #expect(Set(found.trial.devices.map(\.name)) == ["frigate", "led-1"])
  }

  @Test("one whose rules fit the topic and not the payload leaves it to us, and a faulty one is told")
  func notFitting() throws {
    let folder = try OwnFolder(["mast": OwnProfileTests.mast, "rusak": "about = 5"])
    let found = try Discovery(heard([("kebun/mast-1/LAPORAN", #"{"hujan":3.5}"#)]), profiles: folder.shelf)
    #expect(found.sources.map(\.format) == ["json"])
    #expect(found.profileFaults.contains { $0.contains("rusak.toml:1") })
  }
}

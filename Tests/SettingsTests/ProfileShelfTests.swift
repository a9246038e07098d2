import Glibc
import Telemetry
import Testing

@testable import Settings

struct ProfileShelfTests {
  private static let profile = """
    device = "{d}"
    [[message]]
    topic = "{d}"
    [[message.metric]]
    name = "x"
    path = ""

    """

  @Test("the user's own profile goes before the package's")
  func ownFirst() throws {
    let own = TemporaryFolder()
    let ours = TemporaryFolder()
    _ = own.write("lampu.toml", "about = \"own\"\n" + ProfileShelfTests.profile)
    _ = ours.write("lampu.toml", "about = \"ours\"\n" + ProfileShelfTests.profile)
    _ = ours.write("suhu.toml", "about = \"ours\"\n" + ProfileShelfTests.profile)
    let shelf = ProfileShelf(folders: [own.path, ours.path, "/nowhere"])
    #expect(shelf.names == ["lampu", "suhu"])
    #expect(try shelf.profile(named: "lampu")?.about == "own")
    #expect(try shelf.profile(named: "suhu")?.about == "ours")
    #expect(try shelf.profile(named: "tidak-ada") == nil)
  }

  @Test("which are the user's own is told, and the shipped ones are none of them")
  func ownNames() throws {
    let folder = TemporaryFolder()
    mkdir(folder.path + "/profiles", 0o755)
    _ = folder.write("profiles/lampu.toml", ProfileShelfTests.profile)
    let shelf = ProfileShelf.standard(configuration: folder.path + "/gateway.toml")
    #expect(shelf.ownFolder == folder.path + "/profiles")
    #expect(shelf.ownNames == ["lampu"])
    #expect(ProfileShelf(folders: [folder.path + "/profiles"]).ownNames.isEmpty)
    // A configuration beside the shipped profiles of a checkout.
    let shipped = try #require(shippedProfiles.folders.first)
    let beside = ProfileShelf.standard(configuration: String(shipped.dropLast("/profiles".count)) + "/gateway.toml")
    #expect(beside.ownNames.isEmpty || beside.folders.count == 2)
  }

  @Test("a name can't lead out of the folders", arguments: ["../x", "a/b", "", "A", "x.toml", "..", "a\u{0}b"])
  func names(_ name: String) throws {
    #expect(ProfileShelf(folders: ["/etc"]).path(of: name) == nil)
  }

  @Test("profiles are found beside the configuration file")
  func beside() throws {
    let folder = TemporaryFolder()
    let configuration = folder.write(
      "gateway.toml", minimal + "[[source]]\nname = \"a\"\ntopic = \"#\"\nformat = \"profile:lampu\"\n")
    #expect(throws: SettingsFaults.self) { try GatewaySettings.load(path: configuration, knownFormats: knownFormats) }
    mkdir(folder.path + "/profiles", 0o755)
    _ = folder.write("profiles/lampu.toml", ProfileShelfTests.profile)
    let settings = try GatewaySettings.load(
      path: configuration, knownFormats: knownFormats)
    #expect(settings.sources.first?.profile?.messages.count == 1)
    #expect(
      ProfileShelf.standard(configuration: "/etc/lumbung/gateway.toml").folders.prefix(2) == [
        "/etc/lumbung/profiles", "/usr/share/lumbung/profiles",
      ])
    #expect(ProfileShelf.standard(configuration: "gateway.toml").folders.first == "./profiles")
  }

  @Test("a fault of a profile is told with the profile's file and line")
  func faultInProfile() throws {
    let folder = TemporaryFolder()
    let file = folder.write("rusak.toml", ProfileShelfTests.profile.replacing("path", with: "paht"))
    do throws(SettingsFaults) {
      _ = try GatewaySettings.parse(
        text: minimal + "[[source]]\nname = \"a\"\ntopic = \"#\"\nformat = \"profile:rusak\"\n", file: "g.toml",
        knownFormats: knownFormats, profiles: ProfileShelf(folders: [folder.path]))
      Issue.record("no fault")
    } catch {
      #expect(error.faults.contains { $0.file == file && $0.line == 6 && $0.hint == "did you mean `path`?" })
      #expect(error.faults.allSatisfy { $0.file == file })
    }
  }

  @Test("metric tables beside a profile are refused")
  func metricsBesideProfile() {
    let faults = faultsBeside(
      "[[source]]\nname = \"a\"\ntopic = \"#\"\nformat = \"profile:wled\"\n"
        + "[[source.metric]]\nname = \"x\"\npath = \"/x\"\n")
    #expect(faults.first?.message.contains("beside a profile") == true)
  }

  @Test("a metric table that says more makes the source a mapping, one that doesn't leaves it plain")
  func inline() throws {
    let head =
      minimal + "[[source]]\nname = \"a\"\ntopic = \"a/{x}\"\nformat = \"json\"\n"
      + "[[source.metric]]\nname = \"y\"\npath = \"/y\"\n"
    #expect(try parsed(head).sources.first?.profile == nil)
    let mapped = try #require(try parsed(head + "scale = 0.1\n").sources.first)
    #expect(mapped.metrics.isEmpty)
    #expect(mapped.profile?.messages.first?.metrics.first?.scale == 0.1)
  }

  @Test("every shipped profile reads", arguments: shippedProfiles.names)
  func shipped(_ name: String) throws {
    let profile = try #require(try shippedProfiles.profile(named: name))
    #expect(!profile.about.isEmpty)
    #expect(!profile.messages.isEmpty)
  }
}

import Settings
import Testing

/// Reading the file itself, and the files that it names.
@Suite struct LoadingTests {
  private let folder = TemporaryFolder()

  private func loadingFaults(_ path: String, checking: Bool = false) -> [SettingsFault] {
    do throws(SettingsFaults) {
      _ = try GatewaySettings.load(path: path, knownFormats: knownFormats, checkingNamedFiles: checking)
      return []
    } catch {
      return error.faults
    }
  }

  @Test("a file is loaded")
  func load() throws {
    let path = folder.write("gateway.toml", minimal)
    #expect(try GatewaySettings.load(path: path, knownFormats: knownFormats).gatewayID == "g1")
  }

  @Test("an absent file, a folder and a file over 1 MiB are each told with what helps")
  func unreadable() {
    let absent = loadingFaults("\(folder.path)/none.toml")
    #expect(absent.map(\.message) == ["can't be read: there is no such file"])
    #expect(absent.first?.hint?.contains("Config/gateway.toml") == true)
    #expect(absent.first?.file == "\(folder.path)/none.toml")
    #expect(loadingFaults(folder.path).map(\.message) == ["can't be read: it is not a regular file"])
    let large = folder.write("large.toml", String(repeating: "#", count: (1 << 20) + 1))
    #expect(loadingFaults(large).map(\.message) == ["can't be read: it is too large"])
  }

  @Test("a file that isn't UTF-8 is told with the line of the first such byte")
  func notUTF8() {
    let path = folder.write("latin1.toml", Array("[gateway]\nid = \"g\" # caf".utf8) + [0xe9] + Array("\n".utf8))
    #expect(loadingFaults(path).map(\.line) == [2])
  }

  @Test("named files are looked at only where that is asked for")
  func namedFiles() {
    let token = folder.write("central.token", "abc\n", mode: 0o644)
    let ca = folder.write("ca.pem", "no certificate")
    let path = folder.write(
      "gateway.toml",
      minimal + """
        [broker]
        username = "u"
        password_file = "\(folder.path)/none"
        [[uplink]]
        name = "a"
        url = "https://a"
        token_file = "\(token)"
        ca_file = "\(ca)"
        """)
    #expect(loadingFaults(path).isEmpty)
    let found = loadingFaults(path, checking: true)
    #expect(found.map(\.line) == [6, 10, 11])
    #expect(found[0].hint?.contains("systemd credential") == true)
    #expect(found[1].message.hasPrefix("`token_file`: every user of this box"))
    #expect(found[1].hint?.contains("chmod 640") == true)
    #expect(found[2].hint?.contains("-----BEGIN") == true)
  }

  @Test("named files that are as they should be are no fault")
  func goodNamedFiles() {
    let token = folder.write("central.token", "abc\n")
    let ca = folder.write("ca.pem", "-----BEGIN CERTIFICATE-----\n", mode: 0o644)
    let path = folder.write(
      "gateway.toml",
      minimal + "[[uplink]]\nname = \"a\"\nurl = \"https://a\"\ntoken_file = \"\(token)\"\nca_file = \"\(ca)\"\n")
    #expect(loadingFaults(path, checking: true).isEmpty)
  }
}

import Telemetry
import Testing

@testable import Settings

@Suite("What a valid configuration should make known")
struct CautionTests {
  private let folder = TemporaryFolder()

  private func cautions(_ text: String) throws -> [String] {
    try parsed(minimal + text).cautions.map(\.message)
  }

  @Test("on the box itself nothing needs TLS")
  func loopback() throws {
    for host in ["127.0.0.1", "localhost", "[::1]", "127.8.9.1"] {
      let text = """
        [broker]
        url = "mqtt://\(host):1883"
        [[uplink]]
        name = "a"
        url = "http://\(host):80"
        [admin]
        listen = "\(host):8470"
        """
      #expect(try cautions(text).isEmpty)
    }
  }

  @Test("what goes over a network unencrypted is told, each place once")
  func network() throws {
    let found = try cautions(
      """
      [broker]
      url = "mqtt://192.0.2.1"
      [[uplink]]
      name = "a"
      type = "mqtt"
      url = ["mqtt://127.0.0.1", "mqtt://192.0.2.2"]
      [[uplink]]
      name = "b"
      url = "https://192.0.2.3"
      [admin]
      listen = "0.0.0.0:8470"
      """)
    #expect(found.count == 3)
    #expect(found.contains { $0.hasPrefix("[admin] listen") })
    #expect(found.contains { $0.hasPrefix("[broker] url") })
    #expect(found.contains { $0.contains("\"a\"") && $0.contains("192.0.2.2") })
  }

  @Test("a page with a certificate may be shown to a network")
  func certificate() throws {
    let text = "[admin]\nlisten = \"0.0.0.0:8470\"\ncert_file = \"/x.pem\"\nkey_file = \"/x.key\""
    #expect(try cautions(text).isEmpty)
    #expect(faultsBeside("[admin]\ncert_file = \"/x.pem\"").first?.message.contains("without `key_file`") == true)
  }

  @Test("a file that everybody may read is told, one that everybody may change is refused")
  func modes() throws {
    let closed = folder.write("a.toml", Array(minimal.utf8), mode: 0o640)
    let readable = folder.write("b.toml", Array(minimal.utf8), mode: 0o644)
    let writable = folder.write("c.toml", Array(minimal.utf8), mode: 0o646)
    #expect(GatewaySettings.cautions(ofFile: closed).isEmpty)
    #expect(GatewaySettings.cautions(ofFile: readable).map(\.cure) == ["chmod 640 \(readable)"])
    for path in [closed, readable] {
      _ = try GatewaySettings.load(path: path, knownFormats: knownFormats, checkingNamedFiles: true)
    }
    #expect(throws: SettingsFaults.self) {
      try GatewaySettings.load(path: writable, knownFormats: knownFormats, checkingNamedFiles: true)
    }
  }

  @Test("a key that everybody may read is refused with the cure; a certificate may be read")
  func keys() {
    let pem = Array("-----BEGIN X-----\n".utf8)
    let certificate = folder.write("c.pem", pem, mode: 0o644)
    func faults(_ mode: UInt32) -> [SettingsFault] {
      let key = folder.write("k\(mode).pem", pem, mode: mode)
      let text = minimal + "[admin]\ncert_file = \"\(certificate)\"\nkey_file = \"\(key)\"\n"
      let path = folder.write("g\(mode).toml", Array(text.utf8), mode: 0o640)
      do throws(SettingsFaults) {
        _ = try GatewaySettings.load(path: path, knownFormats: knownFormats, checkingNamedFiles: true)
        return []
      } catch {
        return error.faults
      }
    }
    #expect(faults(0o640).isEmpty)
    let found = faults(0o644)
    #expect(found.count == 1)
    #expect(found.first?.line == 6 && found.first?.hint?.contains("chmod 640") == true)
  }

  @Test("a credential of the same name goes before the file")
  func credential() {
    let path = folder.write("page.key", Array("x".utf8))
    #expect(Credential.path(of: "/etc/lumbung/page.key", credentials: folder.path) == path)
    #expect(Credential.path(of: "/etc/lumbung/other.key", credentials: folder.path) == "/etc/lumbung/other.key")
    #expect(Credential.path(of: "/etc/lumbung/page.key", credentials: nil) == "/etc/lumbung/page.key")
  }

  @Test("names of fields to leave out are names, not places")
  func redaction() throws {
    let source = "[[source]]\nname = \"a\"\ntopic = \"a\"\nformat = \"json\"\n"
    let settings = try parsed(minimal + source + "redact = [\"driver\", \"nama\"]\nunredacted = \"plate\"")
    #expect(settings.sources.first?.redact == ["driver", "nama"])
    #expect(settings.sources.first?.unredacted == ["plate"])
    for wrong in ["\"/car/driver\"", "\"\"", "\"-\"", "[]", "1"] {
      #expect(!faultsBeside(source + "redact = \(wrong)").isEmpty, "\(wrong)")
    }
  }

  @Test("levels of a topic to leave out are levels of that topic")
  func levels() throws {
    let source = "[[source]]\nname = \"a\"\ntopic = \"a/{site}/{who...}\"\nformat = \"json\"\n"
    let settings = try parsed(minimal + source + "redact_topic = [\"who\"]")
    #expect(settings.sources.first?.redactedLevels == ["who"])
    for wrong in ["[\"whom\"]", "\"{who}\"", "1"] {
      #expect(!faultsBeside(source + "redact_topic = \(wrong)").isEmpty, "\(wrong)")
    }
  }
}

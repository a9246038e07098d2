import Testing

@testable import Settings

@Suite struct SecretTests {
  private let folder = TemporaryFolder()

  private func kind(_ path: String, credentials: String? = nil) -> SecretError.Kind? {
    do throws(SecretError) {
      _ = try Secret.read(file: path, credentials: credentials)
      return nil
    } catch {
      return error.kind
    }
  }

  @Test("one newline at the end is not part of the secret", arguments: ["abc", "abc\n", "abc\r\n"])
  func newline(text: String) throws {
    #expect(try Secret.read(file: folder.write("s", text), credentials: nil).value == "abc")
  }

  @Test("spaces are part of the secret")
  func spaces() throws {
    #expect(try Secret.read(file: folder.write("s", " a b "), credentials: nil).value == " a b ")
  }

  @Test("more than one line is refused, since only one can be meant")
  func lines() {
    #expect(kind(folder.write("s", "abc\n\n")) == .notText)
    #expect(kind(folder.write("s", "abc\ndef")) == .notText)
    #expect(kind(folder.write("s", [0xff, 0xfe])) == .notText)
    #expect(kind(folder.write("s", "a\0b")) == .notText)
  }

  @Test("an empty file is no secret")
  func empty() {
    #expect(kind(folder.write("s", "")) == .empty)
    #expect(kind(folder.write("s", "\n")) == .empty)
  }

  @Test("64 KiB are read, a byte more is refused")
  func size() throws {
    let most = String(repeating: "x", count: 65_536)
    #expect(try Secret.read(file: folder.write("s", most), credentials: nil).value == most)
    #expect(kind(folder.write("s", most + "x")) == .tooLarge)
  }

  @Test("what others may read, write or run is refused with the cure", arguments: [0o644, 0o642, 0o641] as [UInt32])
  func exposed(mode: UInt32) throws {
    let path = folder.write("s", "abc", mode: mode)
    let error = #expect(throws: SecretError.self) { try Secret.read(file: path, credentials: nil) }
    #expect(error?.kind == .exposed)
    #expect(error?.cure.contains("chmod 640 \(path)") == true)
  }

  @Test("the owner's and the group's permissions are their own affair", arguments: [0o600, 0o640, 0o440] as [UInt32])
  func guarded(mode: UInt32) throws {
    #expect(try Secret.read(file: folder.write("s", "abc", mode: mode), credentials: nil).value == "abc")
  }

  @Test("a credential of the same name goes first, the file is found where there is none")
  func credential() throws {
    let credentials = TemporaryFolder()
    let file = folder.write("central.token", "from the file")
    #expect(try Secret.read(file: file, credentials: credentials.path).value == "from the file")
    _ = credentials.write("central.token", "from systemd", mode: 0o400)
    #expect(try Secret.read(file: file, credentials: credentials.path).value == "from systemd")
    #expect(try Secret.read(file: "/nowhere/central.token", credentials: credentials.path).value == "from systemd")
  }

  @Test("a credential that can't be used is told, not passed over")
  func badCredential() {
    let credentials = TemporaryFolder()
    let file = folder.write("central.token", "from the file")
    _ = credentials.write("central.token", "", mode: 0o400)
    #expect(kind(file, credentials: credentials.path) == .empty)
  }

  @Test("an absent file and a folder are told")
  func absent() {
    #expect(kind("\(folder.path)/none") == .absent)
    #expect(kind(folder.path) == .unreadable)
  }

  @Test("a secret prints as nothing that would tell it")
  func printing() {
    let secret = Secret("hunter2")
    var dumped = ""
    dump(secret, to: &dumped)
    for text in ["\(secret)", String(reflecting: secret), "\([secret])", "\(Optional(secret) as Any)", dumped] {
      #expect(!text.contains("hunter2"))
    }
  }
}

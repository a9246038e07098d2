import Logging
import Testing

@testable import Central

@Suite("What the receiver is started with")
struct StartTests {
  @Test("addresses are read with names, IPv4 and IPv6 in brackets")
  func addresses() throws {
    let plain = try #require(ListenAddress("127.0.0.1:8480"))
    #expect((plain.host, plain.port) == ("127.0.0.1", 8480))
    #expect(plain.isLoopback)
    #expect(ListenAddress("[::1]:80")?.host == "::1")
    #expect(ListenAddress("0.0.0.0:80")?.isLoopback == false)
    for text in ["", "127.0.0.1", ":80", "::1:80", "a:b", "a:70000", "a:-1"] { #expect(ListenAddress(text) == nil) }
  }

  @Test("a SQLite file is a location; PostgreSQL is refused by name, anything else too, as configuration")
  func locations() throws {
    #expect(try StoreLocation("sqlite:a.db") == .sqlite(path: "a.db"))
    #expect(try StoreLocation("sqlite:///var/a.db") == .sqlite(path: "/var/a.db"))
    for url in ["postgres://x/y", "postgresql://x/y", "sqlite:", "sqlite::memory:", "a.db", "mysql:x"] {
      let error = #expect(throws: CentralError.self) { try StoreLocation(url) }
      #expect(error?.exitCode == 78)
    }
    let error = #expect(throws: CentralError.self) { try StoreLocation("postgres://x/y") }
    #expect(error?.description.contains("PostgreSQL") == true)
  }

  @Test("an address that others can reach wants tokens")
  func openToAll() throws {
    let address = try #require(ListenAddress("0.0.0.0:8480"))
    let error = #expect(throws: CentralError.self) {
      try CentralService(
        address: address, location: .sqlite(path: "x.db"), tokens: nil, logger: Logger(label: "test"))
    }
    #expect(error?.exitCode == 78)
  }
}

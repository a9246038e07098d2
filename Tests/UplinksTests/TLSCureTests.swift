import Telemetry
import Testing

@testable import Uplinks

@Suite("TLS cures")
struct TLSCureTests {
  private func cure(_ text: String, _ verification: Int = 0) -> String {
    TLSCure.of(
      text, verification: verification, host: "central.example", now: RFC3339.parse("2020-01-01T00:00:07.5Z")!
    ).cure
  }

  @Test("each fault names what helps against it")
  func cures() {
    #expect(cure("certificate has expired", 10).contains("have it renewed on the server"))
    #expect(cure("certificate has expired", 10).contains("this box's clock says 2020-01-01T00:00:07Z"))
    #expect(cure("certificate is not yet valid", 9).contains("clock is probably behind: this box's clock says 2020"))
    for code in [18, 19, 20, 21] { #expect(cure("unable to get local issuer", code).contains("ca_file")) }
    #expect(cure("Hostname mismatch", 62).contains("name that stands in the certificate"))
    #expect(
      cure("SSL: no alternative certificate subject name matches target host name 'x'").contains("name that stands"))
    #expect(cure("SSL routines::wrong version number").contains("check the port"))
    #expect(cure("tlsv1 alert protocol version").contains("TLS 1.2"))
    #expect(cure("sslv3 alert handshake failure").contains("cert_file and key_file"))
    #expect(cure("something else") == StatusCure.tls)
  }
}

import Telemetry

/// What helps against a TLS fault, by what OpenSSL or libcurl say of it.
enum TLSCure {
  /// - Parameters:
  ///   - verification: OpenSSL's verdict on the certificate (`X509_V_ERR_…`), 0 where it has none.
  ///   - now: what this box takes for the time.
  static func of(_ text: String, verification: Int, host: String, now: Timestamp) -> UplinkFault {
    let clock = "this box's clock says \(RFC3339.format(Timestamp(milliseconds: now.milliseconds / 1000 * 1000)))"
    switch verification {
    case 10:
      return UplinkFault(
        error: "the server's certificate has expired (\(text))",
        cure: "have it renewed on the server; or, if it is good, set the clock: \(clock)")
    case 9:
      return UplinkFault(
        error: "the server's certificate is not valid yet (\(text))",
        cure: "the clock is probably behind: \(clock); see timedatectl")
    case 18, 19, 20, 21, 2:
      return UplinkFault(
        error: "the server's certificate is signed by an authority that isn't known here (\(text))",
        cure: "write the file with that authority's certificate as ca_file of this uplink")
    case 62, 63, 64: return wrongHost(text, host)
    case 24, 26:
      return UplinkFault(
        error: "a certificate of the server's chain may not be used for this (\(text))",
        cure: "the server, or the authority in ca_file, needs a certificate that was issued for it")
    case 23:
      return UplinkFault(error: "the server's certificate was revoked (\(text))", cure: "have a new one issued")
    default: break
    }
    let lowered = text.lowercased()
    if lowered.contains("does not match") || lowered.contains("no alternative certificate subject name")
      || lowered.contains("host name")
    {
      return wrongHost(text, host)
    }
    if lowered.contains("wrong version number") || lowered.contains("packet length too long")
      || lowered.contains("http request")
    {
      return UplinkFault(
        error: "no TLS is spoken there (\(text))", cure: "check the port in url, or begin it with http://")
    }
    if lowered.contains("protocol version") || lowered.contains("unsupported protocol") {
      return UplinkFault(
        error: "the server speaks no TLS that is safe (\(text))", cure: "it must offer TLS 1.2 or later")
    }
    if lowered.contains("alert") {
      return UplinkFault(
        error: "the server declined our side of TLS (\(text))",
        cure: "cert_file and key_file must be ones that the server accepts, and not expired")
    }
    return UplinkFault(error: text, cure: StatusCure.tls)
  }

  private static func wrongHost(_ text: String, _ host: String) -> UplinkFault {
    UplinkFault(
      error: "the server's certificate is for another name than \(host) (\(text))",
      cure: "write the name that stands in the certificate into url, or have it issued for this one")
  }
}

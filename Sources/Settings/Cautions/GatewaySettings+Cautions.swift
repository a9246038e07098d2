import Telemetry

extension GatewaySettings {
  /// Where others in the network could listen in. Allowed all the same: a network may be one's own.
  public var cautions: [Caution] {
    var cautions: [Caution] = []
    if let listen = admin.listen, !listen.isLoopback, admin.certFile == nil {
      cautions.append(
        Caution(
          "[admin] listen = \"\(listen)\": page and metrics go over the network unencrypted",
          cure: "set cert_file and key_file in [admin], or listen on 127.0.0.1"))
    }
    if !broker.usesTLS, !ListenAddress.isLoopback(broker.host) {
      let what = broker.passwordFile == nil ? "messages go" : "the password and the messages go"
      cautions.append(
        Caution(
          "[broker] url = \"\(broker.url)\": \(what) over the network unencrypted",
          cure: "use mqtts://, with ca_file where the authority is your own"))
    }
    for uplink in uplinks {
      for url in [uplink.url] + uplink.alternatives {
        guard let parts = try? ServiceURL(url), ["http", "mqtt"].contains(parts.scheme),
          !ListenAddress.isLoopback(parts.host)
        else { continue }
        let isSecret = uplink.tokenFile != nil || uplink.passwordFile != nil
        let what = isSecret ? "the secret and the records go" : "records go"
        cautions.append(
          Caution(
            "[[uplink]] \(quoted(uplink.name)) url = \"\(url)\": \(what) over the network unencrypted",
            cure: "use \(parts.scheme)s://, with ca_file where the authority is your own"))
      }
    }
    return cautions
  }
}

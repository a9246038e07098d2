import Telemetry

extension UplinkDefinition {
  /// `nil` where a fault was told that leaves nothing to work with.
  init?(reading table: TableReader, names: inout [String: Int?]) {
    let name = table.name("central", &names)
    let transport = table.choice("type", Transport.self) ?? .http
    let schemes = transport == .mqtt ? ["mqtt", "mqtts"] : ["http", "https"]
    let example = transport == .mqtt ? "mqtts://central.example.go.id" : "https://central.example.go.id"
    table.require("url", example: quoted(example))
    let url = table.url("url", schemes: schemes, example: example)
    // A path is appended to the URL; only InfluxDB's has a query of its own, which names the database.
    if let url, transport != .influx, url.parts.query != nil {
      table.fault("`url` in [[uplink]] has a query", at: "url", hint: "leave out the ? and what follows it")
    }
    let tokenFile = table.file("token_file", .secret, example: "/etc/lumbung/central.token")
    let isSecure = url.map { ["mqtts", "https"].contains($0.parts.scheme) } ?? true
    let tls = TLSFiles(reading: table, usesTLS: isSecure, secureScheme: transport == .mqtt ? "mqtts://" : "https://")
    let compression = table.choice("compression", Compression.self)
    let timeout = table.span("timeout", in: .seconds(1) ... .hours(1), example: "30s")
    let optional = table.boolean("optional")
    table.finish()
    guard let name, var text = url?.text else { return nil }
    if url?.parts.query == nil { while text.hasSuffix("/") { text.removeLast() } }
    self.init(
      name: name, transport: transport, url: text, tokenFile: tokenFile, caFile: tls.ca, certFile: tls.cert,
      keyFile: tls.key, compression: compression ?? .gzip, timeout: timeout ?? .seconds(30),
      optional: optional ?? false)
  }
}

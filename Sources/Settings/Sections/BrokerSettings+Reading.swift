extension BrokerSettings {
  init(reading table: TableReader, gatewayID: String) {
    self.init(clientID: BrokerSettings.defaultClientID(of: gatewayID))
    if let (text, parts) = table.url("url", schemes: ["mqtt", "mqtts"], example: "mqtt://127.0.0.1:1883") {
      if !["", "/"].contains(parts.path) || parts.query != nil {
        table.fault(
          "`url` in [broker] names a path: a broker has none", at: "url",
          hint: "topics are named by the sources; for example mqtt://127.0.0.1:1883")
      }
      url = text
      host = parts.host
      usesTLS = parts.scheme == "mqtts"
      port = parts.port ?? (usesTLS ? 8883 : 1883)
    }
    username = table.text("username", example: "lumbung")
    passwordFile = table.file("password_file", .secret, example: "/etc/lumbung/broker.password")
    let tls = TLSFiles(reading: table, usesTLS: usesTLS, secureScheme: "mqtts://")
    caFile = tls.ca
    certFile = tls.cert
    keyFile = tls.key
    clientID = table.text("client_id", example: clientID, longest: 128) ?? clientID
    asksForRebirth = table.boolean("sparkplug_rebirth") ?? asksForRebirth
    if table.has("password_file"), !table.has("username") {
      table.fault(
        "`password_file` in [broker] without `username`", at: "password_file",
        hint: "for example username = \"lumbung\"")
    }
    table.finish()
  }
}

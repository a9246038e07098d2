extension AdminSettings {
  init(reading table: TableReader) {
    self.init(listen: AdminSettings.listen(table))
    certFile = table.file("cert_file", .pem, example: "/etc/lumbung/page.pem")
    keyFile = table.file("key_file", .key, example: "/etc/lumbung/page.key")
    if table.has("cert_file") != table.has("key_file") {
      let (given, other) = table.has("cert_file") ? ("cert_file", "key_file") : ("key_file", "cert_file")
      table.fault(
        "`\(given)` in [admin] without `\(other)`", at: given, hint: "a certificate and its key go together")
    }
    table.finish()
  }

  private static func listen(_ table: TableReader) -> ListenAddress? {
    guard let text = table.string("listen", example: "127.0.0.1:8470") else { return .standard }
    if text == "off" { return nil }
    if let address = ListenAddress(text) { return address }
    table.fault(
      "`listen` in [admin]: \(quoted(text)) is no address to listen on", at: "listen",
      hint: "HOST:PORT such as \"127.0.0.1:8470\", \"[::1]:8470\", or \"off\"")
    return nil
  }
}

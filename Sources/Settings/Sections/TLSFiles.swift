/// The three keys that any TLS connection of ours may have.
struct TLSFiles {
  let ca: String?
  let cert: String?
  let key: String?

  /// - Parameter usesTLS: whether the table's URL asks for TLS; where it doesn't, the files would do nothing, while
  ///   whoever wrote them believes the connection safe.
  init(reading table: TableReader, usesTLS: Bool, secureScheme: String) {
    ca = table.file("ca_file", .pem, example: "/etc/lumbung/ca.pem")
    cert = table.file("cert_file", .pem, example: "/etc/lumbung/client.pem")
    key = table.file("key_file", .key, example: "/etc/lumbung/client.key")
    if table.has("cert_file") != table.has("key_file") {
      let (given, other) = table.has("cert_file") ? ("cert_file", "key_file") : ("key_file", "cert_file")
      table.fault(
        "`\(given)` in \(table.title) without `\(other)`", at: given,
        hint: "a client certificate and its key go together")
    }
    if !usesTLS, let given = ["ca_file", "cert_file", "key_file"].first(where: table.has) {
      table.fault(
        "`\(given)` in \(table.title) has no effect: the URL doesn't ask for TLS", at: given,
        hint: "begin the URL with \(secureScheme), or leave the key out")
    }
  }
}

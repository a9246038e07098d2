/// What helps against an answer.
enum StatusCure {
  static let passing = "nothing to do: it is tried again by itself, and everything is kept"
  static let tls = """
    check the server's certificate and its date, ca_file, and the box's clock; with cert_file and key_file, that they \
    belong together
    """

  static func of(_ status: Int) -> String {
    switch status {
    case 401: "the token is missing or wrong: put the right one into token_file; it is read again by itself"
    case 403: "the token is known but may not send: have it allowed for this gateway on the server"
    case 404: "there is no such address: check the uplink's url; /v1/batches is added to it"
    case 300...399: "redirects are never followed: write the final address as the uplink's url"
    case 407: "the proxy asks for a login: check the proxy of the environment"
    case 405: "the address takes no batches: check the uplink's url"
    case 415: "the server takes neither zstd nor gzip: it is no lumbung-central"
    default: "an answer that means nothing here: check that the url is that of a lumbung-central"
    }
  }
}

import CCurl
import Telemetry

/// One connection of libcurl's, kept open between requests. Blocking; of one thread at a time.
final class CurlHandle {
  enum Outcome {
    case answered(CurlAnswer)
    case timedOut
    case connectionFailed(String)
    /// `verification` is OpenSSL's verdict on the server's certificate, 0 where it has none.
    case tlsFailed(String, verification: Int)
    /// The request can't be made as it stands: the URL, a certificate file.
    case unusable(String)
    /// `shouldAbort` said so.
    case aborted
  }

  struct Files {
    var ca: String?
    var certificate: String?
    var key: String?
  }

  /// What is read of an answer's body; the rest is thrown away.
  private let bodyLimit: Int
  private let handle: UnsafeMutableRawPointer
  /// libcurl writes its message here; it must stay in place.
  private let message: UnsafeMutablePointer<CChar>

  /// What the last exchange took.
  private(set) var transfer = Transfer()

  /// Once for the process, before any other use of libcurl.
  private static let isReady = curl_global_init(3 /* CURL_GLOBAL_ALL, a macro */) == CURLE_OK

  /// `nil` where there is no memory.
  init?(files: Files = Files(), bodyLimit: Int = 64 << 10) {
    guard CurlHandle.isReady, let handle = curl_easy_init() else { return nil }
    self.handle = handle
    self.bodyLimit = bodyLimit
    message = .allocate(capacity: Int(CURL_ERROR_SIZE))
    message.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    set(CURLOPT_ERRORBUFFER, UnsafeMutableRawPointer(message))
    // Signals would be taken for the whole process.
    set(CURLOPT_NOSIGNAL, 1)
    set(CURLOPT_PROTOCOLS_STR, "http,https")
    set(CURLOPT_FOLLOWLOCATION, 0)
    // One request at a time on a connection: HTTP/2 would only add to what can go wrong.
    set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    set(CURLOPT_USERAGENT, "lumbung")
    set(CURLOPT_SSL_VERIFYPEER, 1)
    set(CURLOPT_SSL_VERIFYHOST, 2)
    set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
    // libcurl would keep the authorities in memory for a day, whatever is done to their file.
    set(CURLOPT_CA_CACHE_TIMEOUT, 0)
    // A link that died in silence is found out between requests too.
    set(CURLOPT_TCP_KEEPALIVE, 1)
    set(CURLOPT_TCP_KEEPIDLE, 30)
    set(CURLOPT_TCP_KEEPINTVL, 10)
    if let ca = files.ca { set(CURLOPT_CAINFO, ca) }
    if let certificate = files.certificate { set(CURLOPT_SSLCERT, certificate) }
    if let key = files.key { set(CURLOPT_SSLKEY, key) }
  }

  deinit {
    curl_easy_cleanup(handle)
    message.deallocate()
  }

  /// - Parameters:
  ///   - body: Posted where there is one, else the request is a GET.
  ///   - timeout: For the whole exchange.
  ///   - shouldAbort: Asked about once a second from inside the call.
  func perform(
    url: String, headers: [String], body: [UInt8]?, timeout: Span, shouldAbort: @escaping () -> Bool = { false }
  ) -> Outcome {
    let exchange = CurlExchange(bodyLimit: bodyLimit, shouldAbort: shouldAbort)
    let context = Unmanaged.passUnretained(exchange).toOpaque()
    var list: UnsafeMutablePointer<curl_slist>?
    for header in headers {
      guard let longer = curl_slist_append(list, header) else {
        curl_slist_free_all(list)
        return .connectionFailed("out of memory")
      }
      list = longer
    }
    defer { curl_slist_free_all(list) }
    message.pointee = 0
    set(CURLOPT_URL, url)
    _ = lumbung_curl_set_list(handle, CURLOPT_HTTPHEADER, list)
    limit(timeout)
    _ = lumbung_curl_set_write(handle, CURLOPT_WRITEFUNCTION, CurlExchange.onBody)
    set(CURLOPT_WRITEDATA, context)
    _ = lumbung_curl_set_write(handle, CURLOPT_HEADERFUNCTION, CurlExchange.onHeader)
    set(CURLOPT_HEADERDATA, context)
    _ = lumbung_curl_set_progress(handle, CurlExchange.onProgress)
    set(CURLOPT_XFERINFODATA, context)
    set(CURLOPT_NOPROGRESS, 0)
    let code: CURLcode
    if let body {
      set(CURLOPT_POST, 1)
      _ = lumbung_curl_set_offset(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
      code = body.withUnsafeBytes { bytes in
        // Not copied, and only read.
        set(CURLOPT_POSTFIELDS, UnsafeMutableRawPointer(mutating: bytes.baseAddress))
        return curl_easy_perform(handle)
      }
      set(CURLOPT_POSTFIELDS, nil as UnsafeMutableRawPointer?)
    } else {
      set(CURLOPT_HTTPGET, 1)
      code = curl_easy_perform(handle)
    }
    measure()
    return withExtendedLifetime(exchange) { outcome(code, exchange) }
  }

  private func measure() {
    transfer = Transfer()
    transfer.sent = offset(CURLINFO_SIZE_UPLOAD_T) + Int64(long(CURLINFO_REQUEST_SIZE))
    transfer.received = offset(CURLINFO_SIZE_DOWNLOAD_T) + Int64(long(CURLINFO_HEADER_SIZE))
    transfer.newConnections = Int64(long(CURLINFO_NUM_CONNECTS))
    var socket: curl_socket_t = -1
    var rate: UInt64 = 0
    var trip: UInt32 = 0
    guard lumbung_curl_get_socket(handle, &socket) == CURLE_OK, socket >= 0,
      lumbung_tcp_delivery(socket, &rate, &trip) == 0
    else { return }
    transfer.deliveryRate = Double(rate)
    transfer.trip = Double(trip) / 1e6
  }

  private func long(_ info: CURLINFO) -> Int {
    var value = 0
    _ = lumbung_curl_get_long(handle, info, &value)
    return value
  }

  private func offset(_ info: CURLINFO) -> Int64 {
    var value: curl_off_t = 0
    _ = lumbung_curl_get_offset(handle, info, &value)
    return Int64(value)
  }

  private func limit(_ timeout: Span) {
    let milliseconds = Int(max(1, timeout.milliseconds))
    set(CURLOPT_TIMEOUT_MS, milliseconds)
    // A server that can't be reached in ten seconds won't be; over a satellite a connection takes two.
    set(CURLOPT_CONNECTTIMEOUT_MS, min(10_000, milliseconds))
    // Where the timeout is long for the sake of a crawling link, one that has died is still noticed. A minute, since a
    // server that works on a batch is silent too.
    set(CURLOPT_LOW_SPEED_LIMIT, 1)
    set(CURLOPT_LOW_SPEED_TIME, 60)
  }

  private func outcome(_ code: CURLcode, _ exchange: CurlExchange) -> Outcome {
    let status = long(CURLINFO_RESPONSE_CODE)
    let buffered = String(cString: message)
    let text = buffered.isEmpty ? String(cString: curl_easy_strerror(code)) : buffered
    switch code {
    case CURLE_OK:
      return .answered(exchange.answer(status: status))
    case CURLE_WRITE_ERROR where exchange.isBodyTooLong && status >= 200:
      // The body was cut short by us; the answer itself stands in the status.
      return .answered(exchange.answer(status: status))
    case CURLE_ABORTED_BY_CALLBACK:
      return .aborted
    case CURLE_OPERATION_TIMEDOUT:
      return .timedOut
    case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE:
      return .unusable(text)
    case CURLE_SSL_CONNECT_ERROR where CurlHandle.isBrokenConnection(text):
      return .connectionFailed(text)
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR,
      CURLE_USE_SSL_FAILED, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT, CURLE_SSL_CRL_BADFILE,
      CURLE_SSL_PINNEDPUBKEYNOTMATCH:
      return .tlsFailed(text, verification: long(CURLINFO_SSL_VERIFYRESULT))
    default:
      return .connectionFailed(text)
    }
  }

  /// OpenSSL tells a connection that broke during the handshake by the same code as a handshake that was declined.
  private static func isBrokenConnection(_ text: String) -> Bool {
    text.contains("SSL_ERROR_SYSCALL") || text.contains("onnection reset") || text.contains("unexpected eof")
  }

  private func set(_ option: CURLoption, _ value: Int) { _ = lumbung_curl_set_long(handle, option, value) }
  private func set(_ option: CURLoption, _ value: String) { _ = lumbung_curl_set_string(handle, option, value) }
  private func set(_ option: CURLoption, _ value: UnsafeMutableRawPointer?) {
    _ = lumbung_curl_set_pointer(handle, option, value)
  }

  /// For reading this host's own services: no proxy of the environment stands in between.
  /// The certificate alone decides: for one that is known beforehand.
  func takeAnyName() { set(CURLOPT_SSL_VERIFYHOST, 0) }

  func bypassProxies() { set(CURLOPT_NOPROXY, "*") }
}

import Glibc

/// Why OpenSSL refused the broker's certificate: libmosquitto only says that it did.
///
/// OpenSSL is in the process through libmosquitto; its two functions are looked up by name, so that nothing more has
/// to be linked. Where they aren't found, there is simply no reason to tell.
enum CertificateFault {
  static func of(connection: UnsafeMutableRawPointer?) -> String? {
    guard let connection,
      let getResult = dlsym(nil, "SSL_get_verify_result"),
      let getText = dlsym(nil, "X509_verify_cert_error_string")
    else { return nil }
    typealias Result = @convention(c) (UnsafeMutableRawPointer?) -> Int
    typealias Text = @convention(c) (Int) -> UnsafePointer<CChar>?
    let code = unsafeBitCast(getResult, to: Result.self)(connection)
    guard code != 0, let text = unsafeBitCast(getText, to: Text.self)(code) else { return nil }
    return String(cString: text)
  }
}

/// `[admin]`: the page, the API and the metrics.
public struct AdminSettings: Sendable, Hashable {
  /// Where they are served; `nil` where they are off.
  public var listen: ListenAddress?
  /// The certificate and its key, with which they are served over TLS: both or neither.
  public var certFile: String?
  public var keyFile: String?

  public init(listen: ListenAddress? = .standard, certFile: String? = nil, keyFile: String? = nil) {
    self.listen = listen
    self.certFile = certFile
    self.keyFile = keyFile
  }
}

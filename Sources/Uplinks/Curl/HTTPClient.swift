import Telemetry

/// Small requests of the command line to services of this host, such as the daemon's admin API. Blocking.
public enum HTTPClient {
  public struct Response: Sendable, Equatable {
    public let status: Int
    /// At most 16 MiB; what is longer is cut off.
    public let body: [UInt8]

    public init(status: Int, body: [UInt8]) {
      self.status = status
      self.body = body
    }
  }

  public struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
    public let url: String
    public let message: String

    public var description: String { "reading \(url): \(message)" }
  }

  /// Any answer is returned, whatever its status; redirects are not followed, proxies of the environment not used.
  ///
  /// - Parameters:
  ///   - timeout: For the whole exchange.
  ///   - pinned: A file with the certificate that an `https://` server must show, whatever name it bears.
  public static func get(url: String, timeout: Span, pinned: String? = nil) throws(Failure) -> Response {
    guard let handle = CurlHandle(files: CurlHandle.Files(ca: pinned), bodyLimit: 16 << 20) else {
      throw Failure(url: url, message: "out of memory")
    }
    if pinned != nil { handle.takeAnyName() }
    handle.bypassProxies()
    switch handle.perform(url: url, headers: [], body: nil, timeout: timeout) {
    case .answered(let answer): return Response(status: answer.status, body: answer.body)
    case .timedOut: throw Failure(url: url, message: "no answer within \(timeout)")
    case .connectionFailed(let text), .tlsFailed(let text, _), .unusable(let text):
      throw Failure(url: url, message: text)
    case .aborted: throw Failure(url: url, message: "broken off")
    }
  }
}

import Glibc
import NIOCore

/// The page's address can't be listened on: which one, why, and what helps. The gateway does its work without the page.
public struct ListenError: Error, Sendable, Equatable, CustomStringConvertible {
  /// `HOST:PORT` as configured.
  public let address: String
  public let reason: String
  public let cure: String

  init(host: String, port: Int, _ error: any Error) {
    address = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    switch error {
    case let error as IOError:
      reason = String(cString: strerror(error.errnoCode))
      cure =
        switch error.errnoCode {
        case EADDRINUSE:
          "another program listens there (ss -ltnp 'sport = :\(port)' names it); choose another port in [admin] listen"
        case EACCES: "ports below 1024 are for root; choose a higher one in [admin] listen"
        case EADDRNOTAVAIL:
          "this box doesn't have that address (ip address lists those it has); correct [admin] listen"
        default: "correct [admin] listen, for example \"127.0.0.1:8470\""
        }
    case is SocketAddressError:
      reason = "no address is known for \(host)"
      cure = "use an address instead of the name in [admin] listen, for example \"127.0.0.1:8470\""
    default:
      reason = "\(error)"
      cure = "correct [admin] listen, for example \"127.0.0.1:8470\""
    }
  }

  public var description: String { "listening on \(address): \(reason) (\(cure))" }
}

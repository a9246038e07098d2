import Telemetry

@testable import Outbox

enum Gunzip {
  static func text(_ bytes: [UInt8]) throws -> String {
    String(decoding: try Codec.expand(bytes, .gzip), as: UTF8.self)
  }
}

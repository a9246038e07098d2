import CCurl

/// What an answer told.
struct CurlAnswer {
  var status: Int
  var retryAfter: String?
  var date: String?
  /// The pace that the server would like.
  var maxRate: String?
  /// The first part of the body.
  var body: [UInt8]
}

/// Gathers one answer from libcurl's callbacks.
final class CurlExchange {
  /// Beyond this the transfer is broken off: whoever answers a batch with megabytes is no receiver of batches.
  private static let discardLimit = 1 << 20

  private let bodyLimit: Int
  private let shouldAbort: () -> Bool
  private var body: [UInt8] = []
  private var received = 0
  private var retryAfter: String?
  private var date: String?
  private var maxRate: String?
  private(set) var isBodyTooLong = false

  init(bodyLimit: Int, shouldAbort: @escaping () -> Bool) {
    self.bodyLimit = bodyLimit
    self.shouldAbort = shouldAbort
  }

  func answer(status: Int) -> CurlAnswer {
    CurlAnswer(status: status, retryAfter: retryAfter, date: date, maxRate: maxRate, body: body)
  }

  static let onBody: lumbung_curl_write = { bytes, size, count, context in
    let length = size * count
    guard let exchange = CurlExchange.of(context), let bytes else { return 0 }
    return exchange.take(UnsafeRawBufferPointer(start: bytes, count: length)) ? length : 0
  }

  static let onHeader: lumbung_curl_write = { bytes, size, count, context in
    let length = size * count
    guard let exchange = CurlExchange.of(context), let bytes else { return 0 }
    exchange.header(String(decoding: UnsafeRawBufferPointer(start: bytes, count: min(length, 1024)), as: UTF8.self))
    return length
  }

  static let onProgress: lumbung_curl_progress = { context, _, _, _, _ in
    CurlExchange.of(context)?.shouldAbort() == true ? 1 : 0
  }

  private static func of(_ context: UnsafeMutableRawPointer?) -> CurlExchange? {
    context.map { Unmanaged<CurlExchange>.fromOpaque($0).takeUnretainedValue() }
  }

  private func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
    received += bytes.count
    body.append(contentsOf: bytes.prefix(max(0, bodyLimit - body.count)))
    isBodyTooLong = received > max(bodyLimit, CurlExchange.discardLimit)
    return !isBodyTooLong
  }

  private func header(_ line: String) {
    if line.hasPrefix("HTTP/") {
      // A new answer begins, after an interim one.
      retryAfter = nil
      date = nil
      maxRate = nil
    }
    guard let colon = line.firstIndex(of: ":") else { return }
    switch line[..<colon].lowercased() {
    case "retry-after": retryAfter = line[line.index(after: colon)...].trimmed
    case "lumbung-max-rate": maxRate = line[line.index(after: colon)...].trimmed
    case "date": date = line[line.index(after: colon)...].trimmed
    default: break
    }
  }
}

import Telemetry

/// A request that is answered with an error: which, and in what words.
struct RequestFault: Error {
  var status: Int
  var error: String
  var reason: String
  /// The record's position in the batch.
  var index: Int?
  var headers: [(name: String, value: String)] = []

  static func badParameter(_ reason: String) -> RequestFault {
    RequestFault(status: 400, error: "bad parameter", reason: reason)
  }

  static let unauthorized = RequestFault(
    status: 401, error: "unauthorized", reason: "the bearer token is missing or not one that is known here",
    headers: [("WWW-Authenticate", "Bearer")])

  static let bodyTooLarge = RequestFault(
    status: 413, error: BatchFault.Kind.tooLarge.rawValue,
    reason: "the body has more than \(Routes.maximumBody) bytes as sent")

  init(status: Int, error: String, reason: String, index: Int? = nil, headers: [(name: String, value: String)] = []) {
    self.status = status
    self.error = error
    self.reason = reason
    self.index = index
    self.headers = headers
  }

  init(_ fault: BatchFault) {
    let status =
      switch fault.kind {
      case .malformed: 400
      case .tooLarge: 413
      case .unsupportedEncoding: 415
      }
    self.init(status: status, error: fault.kind.rawValue, reason: fault.reason, index: fault.index)
  }

  /// The sender keeps what it has and comes again; all that the store throws passes.
  init(store error: any Error) {
    self.init(status: 503, error: "unavailable", reason: "\(error)", headers: [("Retry-After", "5")])
  }

  var answer: RouteAnswer {
    var json = JSONWriter()
    json.object { json in
      json.field("error", error)
      if let index { json.field("index", index) }
      json.field("reason", reason)
    }
    var answer = RouteAnswer(status, json.bytes)
    answer.headers = headers
    return answer
  }
}

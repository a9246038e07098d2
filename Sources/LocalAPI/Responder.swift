import HTTPTypes
import Hummingbird

/// Answers requests: five addresses, all read-only.
struct Responder: HTTPResponder {
  typealias Context = BasicRequestContext

  let status: @Sendable () -> [UInt8]
  let metrics: @Sendable () -> String
  let health: @Sendable () -> (ready: Bool, reasons: [String])

  func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
    let response = answer(method: request.method, path: request.uri.path)
    // The length stays: it says how long the answer to a GET would be.
    return request.method == .head ? response.createHeadResponse() : response
  }

  private func answer(method: HTTPRequest.Method, path: String) -> Response {
    let content: @Sendable () -> Response
    switch path {
    case "/": content = { response(.ok, "text/html; charset=utf-8", Page.html) }
    case "/api/status": content = { response(.ok, "application/json", status()) }
    case "/metrics": content = { response(.ok, "text/plain; version=0.0.4; charset=utf-8", metrics().utf8) }
    case "/healthz", "/readyz": content = healthResponse
    default:
      return text(.notFound, "there is nothing here; there are /, /api/status, /metrics, /healthz and /readyz\n")
    }
    guard method == .get || method == .head else {
      var refusal = text(.methodNotAllowed, "this server only shows: GET and HEAD\n")
      refusal.headers[.allow] = "GET, HEAD"
      return refusal
    }
    return content()
  }

  private func healthResponse() -> Response {
    let (ready, reasons) = health()
    guard !ready else { return text(.ok, "ok\n") }
    // One reason a line, whatever is in it.
    let lines = reasons.map { $0.split(whereSeparator: \.isNewline).joined(separator: " ") }
    return text(.serviceUnavailable, (["not ready"] + lines).joined(separator: "\n") + "\n")
  }

  private func text(_ status: HTTPResponse.Status, _ text: String) -> Response {
    response(status, "text/plain; charset=utf-8", text.utf8)
  }

  private func response(
    _ status: HTTPResponse.Status, _ type: String, _ body: some Collection<UInt8>
  ) -> Response {
    var headers = HTTPFields()
    headers[.contentType] = type
    headers[.cacheControl] = "no-store"
    headers[.xContentTypeOptions] = "nosniff"
    headers[.contentSecurityPolicy] = "default-src 'self' 'unsafe-inline'"
    return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: body)))
  }
}

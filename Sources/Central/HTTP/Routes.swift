import Telemetry

/// Every address of the receiver: a request → an answer. Knows no web server, so that it can be tested without one.
public struct Routes: Sendable {
  /// The most bytes of a body as sent. A batch seals at 16 KiB compressed; sixty-four times that leaves room for
  /// senders that don't compress.
  public static let maximumBody = 1 << 20
  /// Gateways with a series of their own in `/metrics`; the ones heard last.
  private static let maximumContacts = 1000

  private let store: any CentralStore
  private let tokens: Tokens?
  private let decoder: BatchDecoder
  private let counters: Counters
  private let now: @Sendable () -> Timestamp

  /// - Parameters:
  ///   - tokens: who may write; `nil` for anyone.
  ///   - now: the time of a gateway's contact.
  public init(
    store: any CentralStore, tokens: Tokens?, decoder: BatchDecoder = BatchDecoder(),
    counters: Counters = Counters(), now: @escaping @Sendable () -> Timestamp
  ) {
    self.store = store
    self.tokens = tokens
    self.decoder = decoder
    self.counters = counters
    self.now = now
  }

  /// Always answers; never throws.
  public func answer(_ request: RouteRequest) async -> RouteAnswer {
    guard let route = Route(rawValue: request.path) else {
      let fault = RequestFault(status: 404, error: "not found", reason: "nothing is known at this path")
      return counted("other", fault.answer)
    }
    do {
      guard route.allows(request.method) else {
        throw RequestFault(
          status: 405, error: "method not allowed", reason: "only \(route.methods) is answered here",
          headers: [("Allow", route.methods)])
      }
      return counted(route.rawValue, try await answer(route, request))
    } catch let fault as RequestFault {
      return counted(route.rawValue, fault.answer)
    } catch {
      return counted(route.rawValue, RequestFault(store: error).answer)
    }
  }

  private enum Route: String {
    case page = "/"
    case batches = "/v1/batches"
    case gateways = "/v1/gateways"
    case summaries = "/v1/summaries"
    case alarms = "/v1/alarms"
    case health = "/healthz"
    case metrics = "/metrics"

    var methods: String { self == .batches ? "POST" : "GET, HEAD" }

    func allows(_ method: String) -> Bool {
      self == .batches ? method == "POST" : method == "GET" || method == "HEAD"
    }
  }

  private func counted(_ route: String, _ answer: RouteAnswer) -> RouteAnswer {
    counters.count(route, answer.status)
    return answer
  }

  private func answer(_ route: Route, _ request: RouteRequest) async throws -> RouteAnswer {
    switch route {
    case .page: return RouteAnswer(200, Array(OverviewPage.html.utf8), contentType: "text/html; charset=utf-8")
    case .batches: return try await batches(request)
    case .gateways: return try await gateways(request)
    case .summaries: return try await summaries(request)
    case .alarms: return try await alarms(request)
    case .health:
      try await store.check()
      return RouteAnswer(200, Array(#"{"status":"ok"}"#.utf8))
    case .metrics:
      let contacts = try await store.contacts(limit: Routes.maximumContacts)
      let text = MetricsText(counters.read(), contacts: contacts).text
      return RouteAnswer(200, Array(text.utf8), contentType: "text/plain; version=0.0.4; charset=utf-8")
    }
  }

  private func batches(_ request: RouteRequest) async throws -> RouteAnswer {
    if let tokens, !tokens.admit(request.authorization) { throw RequestFault.unauthorized }
    if let length = request.contentLength, length > Routes.maximumBody { throw RequestFault.bodyTooLarge }
    let body: [UInt8]
    do {
      body = try await request.body(Routes.maximumBody)
    } catch is RouteRequest.BodyTooLarge {
      throw RequestFault.bodyTooLarge
    }
    let batch: Batch
    do {
      batch = try decoder.decode(body, encoding: request.contentEncoding)
    } catch {
      throw RequestFault(error)
    }
    let receipt = try await store.apply(batch, at: now())
    counters.count(receipt)
    return RouteAnswer(200, ReportJSON.receipt(receipt))
  }

  private func gateways(_ request: RouteRequest) async throws -> RouteAnswer {
    let parameters = try QueryParameters(request.query, known: ["gateway", "limit", "cursor"])
    let page = try await store.gateways(
      GatewayQuery(
        gateway: parameters.text("gateway"), limit: parameters.limit(), cursor: parameters.cursor(fields: 1)))
    return RouteAnswer(200, ReportJSON.gateways(page))
  }

  private func summaries(_ request: RouteRequest) async throws -> RouteAnswer {
    let parameters = try QueryParameters(
      request.query,
      known: ["gateway", "device", "metric", "from", "to", "include", "order", "limit", "cursor"])
    let query = SummaryQuery(
      gateway: parameters.text("gateway"), device: parameters.text("device"), metric: parameters.text("metric"),
      from: try parameters.time("from"), to: try parameters.time("to"),
      includesVoid: try parameters.choice("include", of: ["void"]) != nil,
      isDescending: try parameters.choice("order", of: ["asc", "desc"]) == "desc", limit: try parameters.limit(),
      cursor: try parameters.cursor(fields: 6, integers: [0, 3, 4, 5]))
    return RouteAnswer(200, ReportJSON.summaries(try await store.summaries(query)))
  }

  private func alarms(_ request: RouteRequest) async throws -> RouteAnswer {
    let parameters = try QueryParameters(request.query, known: ["gateway", "device", "active", "limit", "cursor"])
    let query = AlarmQuery(
      gateway: parameters.text("gateway"), device: parameters.text("device"),
      isActive: try parameters.boolean("active"), limit: try parameters.limit(),
      cursor: try parameters.cursor(fields: 2, integers: [0]))
    return RouteAnswer(200, ReportJSON.alarms(try await store.alarms(query)))
  }
}

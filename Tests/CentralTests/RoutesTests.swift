import Telemetry
import Testing

@testable import Central

@Suite("The addresses of the receiver")
struct RoutesTests {
  /// Refuses or accepts as it is told, and remembers nothing.
  private struct FixedStore: CentralStore {
    var error: StoreError?

    func apply(_ batch: Batch, at time: Timestamp) async throws -> Receipt {
      if let error { throw error }
      return Receipt(accepted: batch.records.count)
    }
    func gateways(_ query: GatewayQuery) async throws -> Page<GatewayReport> { Page(items: [], next: nil) }
    func summaries(_ query: SummaryQuery) async throws -> Page<StoredSummary> { Page(items: [], next: nil) }
    func alarms(_ query: AlarmQuery) async throws -> Page<StoredAlarm> { Page(items: [], next: nil) }
    func contacts(limit: Int) async throws -> [(gateway: String, time: Timestamp)] {
      [("oki-01", Timestamp(milliseconds: 1_795_318_800_500))]
    }
    func check() async throws { if let error { throw error } }
  }

  private func routes(_ store: any CentralStore = FixedStore(), tokens: String? = "one\ntwo\n") -> Routes {
    Routes(store: store, tokens: tokens.flatMap { Tokens(text: $0) }, now: { Samples.time(minute: 60) })
  }

  private func post(
    _ body: [UInt8], token: String? = "Bearer one", encoding: String? = nil, length: Int? = nil
  ) -> RouteRequest {
    RouteRequest(
      method: "POST", path: "/v1/batches", authorization: token, contentEncoding: encoding, contentLength: length
    ) { maximum in
      guard body.count <= maximum else { throw RouteRequest.BodyTooLarge() }
      return body
    }
  }

  private func get(_ path: String, query: String = "") -> RouteRequest {
    RouteRequest(method: "GET", path: path, query: query)
  }

  private func text(_ answer: RouteAnswer) -> String { String(decoding: answer.body, as: UTF8.self) }

  @Test("a good batch is answered with what became of it")
  func accepted() async {
    let answer = await routes().answer(post(Samples.batch([Samples.summary(1)])))
    #expect(answer.status == 200)
    #expect(text(answer) == #"{"accepted":1,"duplicates":0}"#)
  }

  @Test(
    "a token that is missing, wrong, too short, too long or of another scheme is answered 401",
    arguments: [
      nil, "", "Bearer", "Bearer ", "Bearer on", "Bearer onee", "Bearer One", "Basic one", "one", "Bearer three",
    ])
  func unauthorized(token: String?) async {
    let answer = await routes().answer(post(Samples.batch([Samples.summary(1)]), token: token))
    #expect(answer.status == 401)
  }

  @Test("each of several tokens is good, and the scheme's case doesn't matter")
  func tokens() async {
    for token in ["Bearer one", "Bearer two", "bearer two"] {
      #expect(await routes().answer(post(Samples.batch([Samples.summary(1)]), token: token)).status == 200)
    }
  }

  @Test("a file of tokens may have comments and spaces, and one without a token is none")
  func tokenFiles() {
    #expect(Tokens(text: "# old\n  a b \r\n\n")?.admit("Bearer a b") == true)
    #expect(Tokens(text: "# old\n  \n") == nil)
  }

  @Test("without tokens anyone may write")
  func open() async {
    let answer = await routes(tokens: nil).answer(post(Samples.batch([Samples.summary(1)]), token: nil))
    #expect(answer.status == 200)
  }

  @Test("a malformed record is answered 400 with its index and the reason")
  func malformed() async {
    let answer = await routes().answer(post(Samples.batch([Samples.summary(1), #"{"seq":2,"type":"alarm"}"#])))
    #expect(answer.status == 400)
    #expect(text(answer) == #"{"error":"malformed","index":1,"reason":"\"transition\" is missing"}"#)
  }

  @Test("a body that is too large is answered 413, read or announced; an unknown encoding 415")
  func refused() async {
    let large = [UInt8](repeating: 0x20, count: Routes.maximumBody + 1)
    #expect(await routes().answer(post(large)).status == 413)
    #expect(await routes().answer(post([], length: Routes.maximumBody + 1)).status == 413)
    #expect(await routes().answer(post([], encoding: "br")).status == 415)
  }

  @Test("where the store can't take it, the answer is 503 with Retry-After, and health says so too")
  func unavailable() async {
    let routes = routes(FixedStore(error: .failed("no space")))
    let answer = await routes.answer(post(Samples.batch([Samples.summary(1)])))
    #expect(answer.status == 503)
    #expect(answer.headers.contains { $0.name == "Retry-After" })
    #expect(await routes.answer(get("/healthz")).status == 503)
    #expect(await self.routes().answer(get("/healthz")).status == 200)
  }

  @Test("unknown paths are 404, other methods 405 with what is allowed")
  func paths() async {
    #expect(await routes().answer(get("/v1/nothing")).status == 404)
    let answer = await routes().answer(get("/v1/batches"))
    #expect(answer.status == 405)
    #expect(answer.headers.contains { $0 == ("Allow", "POST") })
    #expect(await routes().answer(RouteRequest(method: "HEAD", path: "/v1/alarms")).status == 200)
  }

  @Test(
    "parameters that are unknown, twice there, or out of their limits are answered 400",
    arguments: [
      "metrics=x", "limit=0", "limit=1001", "limit=ten", "limit=1&limit=2", "from=yesterday",
      "from=2026-11-22T03:40:00", "cursor=zz", "cursor=3100", "order=up", "include=all", "device=%ff", "device=%4",
      "device=a%00b", "device=" + String(repeating: "x", count: 9000),
    ])
  func parameters(query: String) async {
    #expect(await routes().answer(get("/v1/summaries", query: query)).status == 400)
  }

  @Test("parameters are read as they are meant: encoded names, offsets with a plus, empty ones as none")
  func goodParameters() throws {
    let parameters = try QueryParameters(
      "device=sman1%2Fcam%2003&from=2026-11-22T10:40:00+07:00&metric=", known: ["device", "from", "metric"])
    #expect(parameters.text("device") == "sman1/cam 03")
    #expect(try parameters.time("from") == RFC3339.parse("2026-11-22T03:40:00Z"))
    #expect(parameters.text("metric") == nil)
    #expect(try parameters.limit() == 100)
  }

  @Test("answers are JSON in which the receiver's fields stand before the record's, each once")
  func answers() async throws {
    try await withStore { store, _ in
      let record = Samples.summary(1, more: #""epoch":"mine","note":"a","note":"b","#)
      _ = try await store.apply(Samples.decoded(Samples.batch([record])), at: Samples.time(minute: 60))
      _ = try await store.apply(
        Samples.decoded(Samples.batch([Samples.alarm(1, id: "x", "raised")], lane: "alarm")),
        at: Samples.time(minute: 60))
      let routes = routes(store)
      let summaries = text(await routes.answer(get("/v1/summaries")))
      #expect(summaries.hasPrefix(#"{"summaries":[{"gateway":"oki-01","epoch":"\#(Samples.epoch)","generation":0,"#))
      #expect(!summaries.contains("mine"))
      #expect(summaries.contains(#""note":"a""#) && !summaries.contains(#""note":"b""#))
      let alarms = text(await routes.answer(get("/v1/alarms", query: "active=true")))
      #expect(alarms.contains(#""active":true"#) && alarms.contains(#""cleared":null"#))
      let gateways = text(await routes.answer(get("/v1/gateways")))
      #expect(gateways.contains(#""gateway":"oki-01""#) && gateways.contains(#""missing":0"#))
      #expect(gateways.contains(#""backlog_records":null"#))
      for answer in [summaries, alarms, gateways] {
        var scanner = JSONScanner(Array(answer.utf8))
        _ = try scanner.value()
        try scanner.finish()
      }
    }
  }

  @Test("metrics count requests by route and status, and records")
  func metrics() async {
    let routes = routes()
    _ = await routes.answer(post(Samples.batch([Samples.summary(1), Samples.summary(2)])))
    _ = await routes.answer(post([], token: nil))
    _ = await routes.answer(get("/whatever/\u{1}"))
    let metrics = text(await routes.answer(get("/metrics")))
    #expect(metrics.contains(#"lumbung_central_requests_total{route="/v1/batches",status="200"} 1"#))
    #expect(metrics.contains(#"lumbung_central_requests_total{route="/v1/batches",status="401"} 1"#))
    #expect(metrics.contains(#"lumbung_central_requests_total{route="other",status="404"} 1"#))
    #expect(metrics.contains("lumbung_central_records_applied_total 2\n"))
    #expect(metrics.contains(#"lumbung_central_gateway_last_contact_seconds{gateway="oki-01"} 1795318800"#))
  }

  @Test("the page is one document without anything from elsewhere")
  func page() async {
    let answer = await routes().answer(get("/"))
    #expect(answer.status == 200)
    #expect(answer.contentType.hasPrefix("text/html"))
    for word in ["http://", "https://", "src=", "innerHTML"] { #expect(!text(answer).contains(word)) }
  }
}

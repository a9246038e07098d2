import Testing

@Suite struct RouteTests {
  @Test("the page is one document, and the status what it was given")
  func content() async throws {
    try await withServer(status: #"{"gateway":"g1"}"#) { port in
      let page = try await HTTPClient.request("GET", "/", port: port)
      #expect(page.status == 200)
      #expect(page.headers["content-type"] == "text/html; charset=utf-8")
      #expect(page.text.hasPrefix("<!doctype html>"))
      let status = try await HTTPClient.request("GET", "/api/status", port: port)
      #expect(status.status == 200)
      #expect(status.headers["content-type"] == "application/json")
      #expect(status.text == #"{"gateway":"g1"}"#)
    }
  }

  @Test("metrics have the type that Prometheus asks for")
  func metrics() async throws {
    try await withServer(metrics: "lumbung_up 1\n") { port in
      let answer = try await HTTPClient.request("GET", "/metrics", port: port)
      #expect(answer.status == 200)
      #expect(answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
      #expect(answer.text == "lumbung_up 1\n")
    }
  }

  @Test("health is 200 when all is well", arguments: ["/healthz", "/readyz"])
  func healthy(path: String) async throws {
    try await withServer { port in
      let answer = try await HTTPClient.request("GET", path, port: port)
      #expect(answer.status == 200)
      #expect(answer.text == "ok\n")
    }
  }

  @Test("health is 503 with one reason a line when it isn't", arguments: ["/healthz", "/readyz"])
  func unhealthy(path: String) async throws {
    try await withServer(health: (false, ["the broker is not connected", "two\r\nlines"])) { port in
      let answer = try await HTTPClient.request("GET", path, port: port)
      #expect(answer.status == 503)
      #expect(answer.text == "not ready\nthe broker is not connected\ntwo lines\n")
    }
  }

  @Test(
    "every answer forbids storing, guessing and foreign content",
    arguments: ["/", "/api/status", "/metrics", "/nowhere"])
  func headers(path: String) async throws {
    try await withServer { port in
      let answer = try await HTTPClient.request("GET", path, port: port)
      #expect(answer.headers["cache-control"] == "no-store")
      #expect(answer.headers["x-content-type-options"] == "nosniff")
      #expect(answer.headers["content-security-policy"] == "default-src 'self' 'unsafe-inline'")
    }
  }

  @Test("HEAD has the headers of GET and no body", arguments: ["/", "/api/status", "/metrics", "/healthz"])
  func head(path: String) async throws {
    try await withServer(status: "{}", metrics: "a 1\n") { port in
      let get = try await HTTPClient.request("GET", path, port: port)
      let head = try await HTTPClient.request("HEAD", path, port: port)
      #expect(head.status == 200)
      #expect(head.body.isEmpty)
      #expect(head.headers["content-length"] == String(get.body.count))
      #expect(head.headers["content-type"] == get.headers["content-type"])
    }
  }

  @Test("other methods are 405 and told what goes", arguments: ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
  func methods(method: String) async throws {
    try await withServer { port in
      for path in ["/", "/api/status", "/metrics", "/healthz"] {
        let answer = try await HTTPClient.request(method, path, port: port, body: method == "POST" ? "{}" : "")
        #expect(answer.status == 405)
        #expect(answer.headers["allow"] == "GET, HEAD")
      }
    }
  }

  @Test(
    "what isn't there is 404, whatever the address",
    arguments: ["/favicon.ico", "/api", "/api/status/", "/../etc/passwd", "/%00"])
  func nothing(path: String) async throws {
    try await withServer { port in
      let answer = try await HTTPClient.request("GET", path, port: port)
      #expect(answer.status == 404)
    }
  }

  @Test("a query changes nothing")
  func query() async throws {
    try await withServer(status: "{}") { port in
      let answer = try await HTTPClient.request("GET", "/api/status?x=1", port: port)
      #expect(answer.status == 200)
    }
  }
}

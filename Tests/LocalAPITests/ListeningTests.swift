import LocalAPI
import Testing

@Suite struct ListeningTests {
  private func failure(host: String, port: Int) async -> ListenError? {
    let api = LocalAPI(
      host: host, port: port, status: { [] }, metrics: { "" }, health: { (true, []) }, logger: .silent)
    do {
      try await api.run()
      return nil
    } catch {
      return error as? ListenError
    }
  }

  @Test("a port that is taken is told with its address and the cure")
  func taken() async throws {
    try await withServer { port in
      let error = await failure(host: "127.0.0.1", port: port)
      #expect(error?.address == "127.0.0.1:\(port)")
      #expect(error?.reason == "Address already in use")
      #expect(error?.cure.contains("ss -ltnp") == true)
      // The first goes on.
      let answer = try await HTTPClient.request("GET", "/healthz", port: port)
      #expect(answer.status == 200)
    }
  }

  @Test("an address that the box doesn't have is told")
  func foreign() async {
    // TEST-NET-1: nobody's.
    let error = await failure(host: "192.0.2.1", port: 8470)
    #expect(error?.address == "192.0.2.1:8470")
    #expect(error?.cure.contains("ip address") == true)
  }

  @Test("a server ends when its task is cancelled, and its port is free again")
  func ends() async throws {
    let port = try await withServer { $0 }
    await #expect(throws: HTTPClient.Failure.self) { try await HTTPClient.request("GET", "/", port: port) }
  }
}

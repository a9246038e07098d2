import Glibc
import Outbox
import Telemetry
import Testing

@testable import Uplinks

@Suite("HTTP uplink", .serialized)
struct HTTPUplinkTests {
  @Test("what is sealed arrives, lane by lane, and is marked delivered")
  func delivery() throws {
    let receiver = Receiver()
    let bench = try Bench(receiver.url)
    bench.uplink.start()
    try bench.append(.summary, ["a", "b"])
    _ = try receiver.log(1)
    try bench.append(.alarm, ["fire"])
    try bench.append(.status, ["hello"])
    let log = try receiver.log(3)
    #expect(Set(log.map(\.key)) == ["e1/0/summary/1-2", "e1/0/alarm/1-1", "e1/0/status/1-1"])
    #expect(log.allSatisfy { $0.answer == "200" && $0.encoding == "gzip" && $0.authorization == "None" })
    // Alarms have a connection of their own; the others share one, kept open.
    let ports = Dictionary(grouping: log, by: \.port).values.map { Set($0.map(\.lane)) }
    #expect(Set(ports) == [["alarm"], ["summary", "status"]])
    #expect(try bench.until { try bench.pending() == 0 })
    #expect(bench.uplink.status.deliveredRecords == 4)
    #expect(bench.uplink.status.deliveredBatches == 3)
    #expect(bench.uplink.status.lastSuccess != nil)
    #expect(bench.until { bench.uplink.status.state == .idle })
  }

  @Test("a swallowed 200 leads to the same batch with the same key again")
  func swallowed() throws {
    let receiver = Receiver()
    try receiver.script("swallow", "swallow")
    let bench = try Bench(receiver.url)
    try bench.append(.summary, ["a", "b", "c"])
    bench.uplink.start()
    let log = try receiver.log(3)
    #expect(log.map(\.answer) == ["swallow", "swallow", "200"])
    #expect(Set(log.map(\.key)) == ["e1/0/summary/1-3"])
    #expect(try bench.until { try bench.pending() == 0 })
  }

  @Test(
    "nothing is dropped because sending failed",
    arguments: [
      "408", "409", "425", "429", "429 Retry-After=0", "500", "503", "close", "302 Location=http://127.0.0.1:1/", "401",
      "403", "404", "418", "big 500",
    ])
  func nothingDropped(answer: String) throws {
    let receiver = Receiver()
    try receiver.script(answer, answer, answer)
    let bench = try Bench(receiver.url)
    try bench.append(.summary, ["a", "b"])
    bench.uplink.start()
    let log = try receiver.log(4)
    #expect(log[3].answer == "200")
    #expect(Set(log.map(\.last)) == [2] || answer == "close")
    #expect(try bench.until { try bench.pending() == 0 })
    #expect(bench.outbox.deadLetterCount == 0)
    #expect(bench.logged.all.contains { $0.hasSuffix("delivers again") })
  }

  @Test("a poison doesn't block its neighbours: it alone becomes a dead letter, and that is told")
  func poison() throws {
    let receiver = Receiver()
    try receiver.rules("refuse arsenic 422")
    let bench = try Bench(receiver.url)
    try bench.append(.summary, ["a", "b", "c", "arsenic", "d", "e", "f", "g", "h"])
    try bench.append(.summary, ["i", "arsenic"])
    bench.uplink.start()
    #expect(try bench.until { try bench.pending() == 0 })
    let letters = try bench.outbox.deadLetters()
    #expect(letters.map(\.first) == [11, 4])
    #expect(letters.allSatisfy { $0.reason == "the server answered 422: poison" })
    // The first notice leaves by itself while the second poison is still halved, or both leave together.
    let log = try receiver.log(1)
    let taken = log.filter { $0.answer == "200" && $0.lane == "summary" }.flatMap { Array($0.first...$0.last) }
    #expect(taken.sorted() == [1, 2, 3, 5, 6, 7, 8, 9, 10])
    #expect(log.filter { $0.answer == "200" && $0.lane == "status" }.reduce(0) { $0 + $1.records } == 2)
  }

  @Test("a batch that is too large for the server is halved until it fits")
  func tooLarge() throws {
    let receiver = Receiver()
    try receiver.rules("most 3")
    let bench = try Bench(receiver.url)
    try bench.append(.summary, (0..<20).map(String.init))
    bench.uplink.start()
    #expect(try bench.until { try bench.pending() == 0 })
    let taken = try receiver.log(1).filter { $0.answer == "200" }
    #expect(taken.flatMap { Array($0.first...$0.last) } == Array(1...20))
    #expect(taken.allSatisfy { $0.records <= 3 })
    #expect(bench.outbox.deadLetterCount == 0)
  }

  @Test("a server that refuses everything is misconfigured: ten records at most are given up")
  func refusesEverything() throws {
    let receiver = Receiver()
    try receiver.rules("refuse text 400")
    let bench = try Bench(receiver.url)
    for number in 0..<30 { try bench.append(.summary, ["text-\(number)-"]) }
    bench.uplink.start()
    #expect(bench.until { bench.uplink.status.state == .misconfigured })
    #expect(bench.outbox.deadLetterCount == 10)
    #expect(bench.uplink.status.error?.contains("10 records in a row") == true)
    #expect(bench.uplink.status.cure != nil && bench.uplink.status.retryIn != nil)
    // The server is mended, but for one record.
    try receiver.rules("refuse text-10- 400")
    #expect(try bench.until { try bench.pending() == 0 })
    #expect(bench.outbox.deadLetterCount == 11)
  }

  @Test("where zstd isn't taken, gzip is sent from then on, under the same key")
  func gzipInstead() throws {
    let receiver = Receiver()
    try receiver.rules("no-zstd")
    let bench = try Bench(receiver.url, compression: .zstd)
    try bench.append(.summary, ["a"])
    try bench.append(.summary, ["b"])
    bench.uplink.start()
    let log = try receiver.log(3)
    #expect(log.map(\.encoding) == ["zstd", "gzip", "gzip"])
    #expect(log.map(\.answer) == ["415", "200", "200"])
    #expect(log[0].key == log[1].key)
  }

  @Test("zstd is sent where it is wished and taken")
  func zstd() throws {
    let receiver = Receiver()
    let bench = try Bench(receiver.url, compression: .zstd)
    try bench.append(.summary, ["a"])
    bench.uplink.start()
    #expect(try receiver.log(1).map(\.encoding) == ["zstd"])
  }

  @Test("a wrong token is an error with its cure, never shown, and a new one is taken up by itself")
  func token() throws {
    final class Token: Sendable {
      let path = Bench.makeFolder()
      func write(_ text: String) {
        let file = open(path + "/key.pem", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        Glibc.write(file, text, text.utf8.count)
        close(file)
      }
      func read() -> String {
        var bytes = [UInt8](repeating: 0, count: 100)
        let file = open(path + "/key.pem", O_RDONLY)
        let count = Glibc.read(file, &bytes, 100)
        close(file)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
      }
      deinit { Bench.remove(path) }
    }
    let token = Token()
    token.write("old-secret")
    let receiver = Receiver()
    try receiver.rules("token new-secret")
    let bench = try Bench(receiver.url, token: { token.read() })
    try bench.append(.summary, ["a"])
    bench.uplink.start()
    #expect(bench.until { bench.uplink.status.state == .misconfigured })
    #expect(bench.uplink.status.error == "the server answered 401: no such token: Bearer ***")
    #expect(bench.uplink.status.cure?.contains("token_file") == true)
    token.write("new-secret")
    #expect(try bench.until { try bench.pending() == 0 })
    #expect(try receiver.log(1).last?.authorization == "Bearer new-secret")
    #expect(bench.until { bench.uplink.status.error == nil })
    #expect(!bench.logged.all.contains { $0.contains("secret") })
  }

  @Test(
    "a token that can't be read, or would break the header, keeps everything here",
    arguments: ["", "a b", "a\r\nX: y"])
  func unusableToken(token: String) throws {
    let receiver = Receiver()
    let bench = try Bench(receiver.url, token: { token })
    try bench.append(.summary, ["a"])
    bench.uplink.start()
    #expect(bench.until { bench.uplink.status.state == .misconfigured })
    #expect(bench.uplink.status.error?.hasPrefix("there is no token") == true)
    #expect(try receiver.log(0).isEmpty)
    #expect(try bench.pending() == 1)
  }

  @Test("alarms overtake a lane that is backed off, and their success ends its wait")
  func alarmsOvertake() throws {
    let receiver = Receiver()
    try receiver.rules("lane summary 503")
    // So patient that only the alarm's success can end the wait within the test.
    let bench = try Bench(
      receiver.url, policy: RetryPolicy(base: .hours(1), longest: .hours(1), slow: .hours(1)))
    try bench.append(.summary, ["a"])
    bench.uplink.start()
    #expect(bench.until { bench.uplink.status.state == .waiting })
    try receiver.rules()
    try bench.append(.alarm, ["fire"])
    let log = try receiver.log(3)
    #expect(log.map(\.lane) == ["summary", "alarm", "summary"])
    #expect(try bench.until { try bench.pending() == 0 })
  }

  @Test("a server that never answers is given up after the timeout, and tried again")
  func hanging() throws {
    let receiver = Receiver()
    try receiver.script("hang")
    let bench = try Bench(receiver.url, timeout: .milliseconds(300))
    try bench.append(.summary, ["a"])
    bench.uplink.start()
    #expect(try receiver.log(2).map(\.answer) == ["hang", "200"])
  }

  @Test("stopping breaks off a request in flight; it is sent again after the next start")
  func stopping() throws {
    let receiver = Receiver()
    try receiver.script("hang")
    let bench = try Bench(receiver.url, timeout: .minutes(5))
    try bench.append(.summary, ["a"])
    bench.uplink.start()
    _ = try receiver.log(1)
    #expect(bench.uplink.stop(within: .seconds(20)))
    #expect(try bench.pending() == 1)
    let next = try Uplink(
      definition: UplinkDefinition(name: "central", url: receiver.url), outbox: bench.outbox, gateway: "gw",
      secret: { nil }, log: { _, _ in })
    next.start()
    let log = try receiver.log(2)
    #expect(log[0].key == log[1].key)
    #expect(next.stop(within: .seconds(20)))
  }

  @Test("an idle uplink stops at once")
  func stoppingIdle() throws {
    let bench = try Bench("http://127.0.0.1:1")
    bench.uplink.start()
    #expect(bench.uplink.stop(within: .seconds(20)))
  }

  @Test("where nobody listens everything is kept, and sent once somebody does")
  func nobodyListens() throws {
    let bench = try Bench("http://127.0.0.1:1")
    try bench.append(.summary, ["a"])
    bench.uplink.start()
    #expect(bench.until { bench.uplink.status.state == .waiting })
    #expect(bench.uplink.status.error?.isEmpty == false)
    #expect(try bench.pending() == 1)
    #expect(bench.uplink.stop(within: .seconds(20)))
    let receiver = Receiver()
    let next = try Uplink(
      definition: UplinkDefinition(name: "central", url: receiver.url), outbox: bench.outbox, gateway: "gw",
      secret: { nil }, log: { _, _ in })
    next.start()
    #expect(try receiver.log(1).map(\.answer) == ["200"])
    #expect(next.stop(within: .seconds(20)))
  }

  @Test("a certificate that nobody vouches for is refused with its cure; with ca_file it is taken")
  func certificates() throws {
    let folder = Bench.makeFolder()
    defer { Bench.remove(folder) }
    let receiver = Receiver(tlsFolder: folder)
    let port = receiver.port
    let bench = try Bench("https://127.0.0.1:\(port)")
    try bench.append(.summary, ["a"])
    bench.uplink.start()
    #expect(bench.until { bench.uplink.status.state == .misconfigured })
    #expect(bench.uplink.status.cure?.contains("ca_file") == true)
    #expect(try bench.pending() == 1)
    #expect(bench.uplink.stop(within: .seconds(20)))
    let trusting = try Uplink(
      definition: UplinkDefinition(name: "central", url: receiver.url, caFile: receiver.certificate),
      outbox: bench.outbox, gateway: "gw", secret: { nil }, log: { _, _ in })
    trusting.start()
    #expect(try bench.until { try bench.pending() == 0 })
    #expect(trusting.stop(within: .seconds(20)))
  }

  @Test("a server that speaks no TLS is a TLS fault, not an outage")
  func noTLS() throws {
    let receiver = Receiver()
    let bench = try Bench("https://127.0.0.1:\(receiver.port)")
    try bench.append(.summary, ["a"])
    bench.uplink.start()
    #expect(bench.until { bench.uplink.status.state == .misconfigured })
  }

  @Test("an endless answer is cut off; its status counts")
  func endlessAnswer() throws {
    let receiver = Receiver()
    try receiver.script("big 200")
    let bench = try Bench(receiver.url)
    try bench.append(.summary, ["a"])
    bench.uplink.start()
    #expect(try bench.until { try bench.pending() == 0 })
    #expect(try receiver.log(1).count == 1)
  }

  @Test("a backlog is drained in order and each batch is sent once")
  func backlog() throws {
    let receiver = Receiver()
    let bench = try Bench(receiver.url)
    for part in 0..<300 { try bench.append(.summary, ["\(part)", "x"]) }
    bench.uplink.start()
    #expect(try bench.until { try bench.pending() == 0 })
    #expect(try receiver.log(300).flatMap { Array($0.first...$0.last) } == Array(1...600))
  }

  @Test("the small client reads an answer of any status, and says where it got none")
  func client() throws {
    let receiver = Receiver()
    let response = try HTTPClient.get(url: receiver.url + "/nothing", timeout: .seconds(10))
    #expect(response == HTTPClient.Response(status: 404, body: Array("nothing here".utf8)))
    #expect(throws: HTTPClient.Failure.self) { try HTTPClient.get(url: "http://127.0.0.1:1/", timeout: .seconds(5)) }
    #expect(throws: HTTPClient.Failure.self) { try HTTPClient.get(url: "file:///etc/passwd", timeout: .seconds(5)) }
  }
}

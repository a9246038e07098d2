import CMosquitto
import Glibc
import Testing

@testable import MQTT

@Suite(
  "Against a real broker: TLS", .serialized,
  .enabled(if: TestBroker.isInstalled && access("/usr/bin/openssl", X_OK) == 0, "needs mosquitto and openssl"))
struct TLSTests {
  /// An authority, and a broker's certificate that it signed.
  private struct Certificates {
    let folder: String

    /// - Parameters:
    ///   - days: how long the broker's certificate is valid; negative for one that is expired.
    ///   - name: whom it is for, as an OpenSSL subjectAltName.
    init(in folder: String, name: String = "IP:127.0.0.1", days: Int = 1) throws {
      self.folder = folder
      try write("subjectAltName=\(name)\n", to: "\(folder)/san")
      let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
      let commands = [
        ["req", "-x509"] + key
          + ["-keyout", "\(folder)/ca.key", "-out", "\(folder)/ca.pem", "-subj", "/CN=test ca", "-days", "2"],
        ["req"] + key + ["-keyout", "\(folder)/broker.key", "-out", "\(folder)/broker.csr", "-subj", "/CN=broker"],
        [
          "x509", "-req", "-in", "\(folder)/broker.csr", "-CA", "\(folder)/ca.pem", "-CAkey", "\(folder)/ca.key",
          "-CAcreateserial", "-out", "\(folder)/broker.pem", "-days", "\(days)", "-extfile", "\(folder)/san",
        ],
      ]
      for command in commands {
        guard runToEnd("/usr/bin/openssl", command) else { throw TestFailure("openssl \(command)") }
      }
    }
  }

  private func broker(name: String = "IP:127.0.0.1", days: Int = 1) throws -> TestBroker {
    let broker = try TestBroker(started: false)
    _ = try Certificates(in: broker.folder, name: name, days: days)
    guard let file = fopen("\(broker.folder)/broker.conf", "a") else { throw TestFailure("no configuration") }
    fputs("cafile \(broker.folder)/ca.pem\ncertfile \(broker.folder)/broker.pem\n", file)
    fputs("keyfile \(broker.folder)/broker.key\n", file)
    fclose(file)
    try broker.start()
    return broker
  }

  /// The first error whose reason says that; where the handshake failed within the call that opened the socket, the
  /// library has thrown OpenSSL's reason away, and a later try tells it.
  private func error(from broker: TestBroker, caFile: String?, saying reason: String = "") throws -> MQTTError? {
    let session = Session.testing(port: broker.port, sink: TestSink()) {
      $0.address = BrokerAddress(scheme: .mqtts, host: "127.0.0.1", port: broker.port)
      $0.caFile = caFile
    }
    session.start()
    defer { session.stop(within: 5000) }
    var told: MQTTError?
    try eventually("an error that says \(reason): \(String(describing: told))") {
      told = session.status.lastError
      return told.map { reason.isEmpty || $0.reason.contains(reason) } ?? false
    }
    return told
  }

  @Test("messages come through TLS, more of them than a record holds, each once")
  func works() throws {
    let broker = try broker()
    let sink = TestSink()
    let session = Session.testing(port: broker.port, sink: sink) {
      $0.address = BrokerAddress(scheme: .mqtts, host: "127.0.0.1", port: broker.port)
      $0.caFile = "\(broker.folder)/ca.pem"
    }
    session.start()
    try session.waitUntilSubscribed()
    let publisher = Publisher(
      configuration: PublisherConfiguration(
        address: BrokerAddress(scheme: .mqtts, host: "127.0.0.1", port: broker.port),
        caFile: "\(broker.folder)/ca.pem", clientID: "p"))
    try publisher.connect(within: 10_000)
    for number in 0..<3000 { try publisher.publish(topic: "t/x", payload: Array("\(number)".utf8)) }
    #expect(publisher.flush(within: 30_000))
    publisher.close()
    try eventually("all are committed") { sink.committed.count >= 3000 }
    session.stop(within: 5000)
    #expect(sink.texts == (0..<3000).map { "\($0)" })
  }

  @Test("a burst that waits at the broker comes through TLS as well, across a connection that breaks")
  func backlog() throws {
    let broker = try broker()
    let sink = TestSink()
    let address = BrokerAddress(scheme: .mqtts, host: "127.0.0.1", port: broker.port)
    func session() -> Session {
      Session.testing(port: broker.port, sink: sink) {
        $0.address = address
        $0.caFile = "\(broker.folder)/ca.pem"
      }
    }
    let first = session()
    first.start()
    try first.waitUntilSubscribed()
    first.stop(within: 5000)
    let publisher = Publisher(
      configuration: PublisherConfiguration(address: address, caFile: "\(broker.folder)/ca.pem", clientID: "p"))
    try publisher.connect(within: 10_000)
    for number in 0..<3000 { try publisher.publish(topic: "t/x", payload: Array("\(number)".utf8)) }
    #expect(publisher.flush(within: 30_000))
    publisher.close()
    let second = session()
    second.start()
    try eventually("all are committed") { sink.committed.count >= 3000 }
    second.stop(within: 5000)
    #expect(sink.texts == (0..<3000).map { "\($0)" })
  }

  @Test("an unknown authority is told, with the cure")
  func unknownAuthority() throws {
    let error = try error(from: broker(), caFile: nil)
    #expect(error?.kind == .tls)
    #expect(error?.cure.contains("ca_file") == true, "\(String(describing: error))")
  }

  @Test("an expired certificate is told, with the cure")
  func expired() throws {
    let broker = try broker(days: -1)
    let error = try error(from: broker, caFile: "\(broker.folder)/ca.pem", saying: "expired")
    #expect(error?.kind == .tls)
    #expect(error?.cure.contains("renew") == true, "\(String(describing: error))")
  }

  @Test("where the library lost the reason of the refusal, the cure names all that it can be")
  func lostReason() {
    let error = Diagnosis.failure(
      Int32(MOSQ_ERR_TLS.rawValue), systemError: 0,
      log: ["OpenSSL Error[0]: error:0A000086:SSL routines::certificate verify failed"], certificateFault: nil,
      address: BrokerAddress(scheme: .mqtts, host: "127.0.0.1", port: 8883), operation: "connecting")
    #expect(error.kind == .tls)
    #expect(error.reason == "the broker's certificate is refused")
    #expect(error.cure.contains("expired") && error.cure.contains("clock") && error.cure.contains("ca_file"))
  }

  @Test("a certificate for another name is told, with the cure")
  func otherName() throws {
    let broker = try broker(name: "DNS:elsewhere.example")
    let error = try error(from: broker, caFile: "\(broker.folder)/ca.pem")
    #expect(error?.kind == .tls)
    #expect(error?.reason.contains("another name") == true, "\(String(describing: error))")
  }

  @Test("a file that isn't there is told by its key")
  func missingFile() throws {
    let session = Session.testing(port: 1, sink: TestSink()) {
      $0.address = BrokerAddress(scheme: .mqtts, host: "127.0.0.1", port: 1)
      $0.caFile = "/no/such/file"
    }
    session.start()
    try eventually("told") { session.status.lastError != nil }
    #expect(session.status.lastError?.kind == .configuration)
    #expect(session.status.lastError?.operation.contains("ca_file") == true)
    session.stop(within: 5000)
  }
}

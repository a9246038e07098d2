import ArgumentParser
import Decoding
import Gateway
import Glibc
import Settings
import Telemetry
import Threads

struct DecodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decode", abstract: "Decode one payload as the daemon would; one observation a line, JSON.",
    discussion: """
      Reads the payload from PAYLOAD-FILE, or from standard input.

      Exit status: 0 where something was read, or there is nothing to read in it; 65 where the payload is refused, with \
      the place and the reason.
      """)

  @OptionGroup var configuration: ConfigurationOption
  @Option(help: ArgumentHelp("The topic on which it came.", valueName: "TOPIC")) var topic: String
  @Option(help: ArgumentHelp("When it was received (RFC 3339); now, if not given.", valueName: "TIME"))
  var at: Timestamp?
  @Flag(help: "As a retained message.") var retained = false
  @Flag(help: "Tell which source took it, and what became of each of its values.") var explain = false
  @Argument(help: ArgumentHelp("The payload.", valueName: "PAYLOAD-FILE")) var payloadFile: String?

  func run() throws {
    let settings = try configuration.load()
    let decoder: Decoder
    do throws(DecoderSetupFault) {
      decoder = try Decoder(
        sources: settings.sources, timezone: settings.timezone, registry: Registry(limits: settings.registryLimits),
        limits: settings.decodingLimits)
    } catch {
      throw Exit.failing(Exit.configuration, "\(configuration.path): \(error)")
    }
    var payload = try read()
    // What the daemon doesn't keep it doesn't read either.
    let redaction = FieldRedaction(sources: settings.sources)
    if let kept = Array(topic.utf8).withUnsafeBytes({ topic in
      payload.withUnsafeBytes { redaction.redact(topic: topic, payload: $0) }
    }) {
      Console.error("values that tell of people are neither stored nor read; see redact in docs/mapping.md")
      payload = kept
    }
    let topic = Array(topic.utf8).withUnsafeBytes(redaction.topic).map { String(decoding: $0, as: UTF8.self) } ?? topic
    let reception = Reception(receivedAt: at ?? SystemClock.wall, clockTrusted: true, retained: retained)
    if explain {
      let explanation = Array(topic.utf8).withUnsafeBytes { topic in
        payload.withUnsafeBytes { decoder.explain(topic: topic, payload: $0, reception) }
      }
      for line in ExplanationText.lines(explanation) { Console.print(line) }
      return try finish(explanation.outcome)
    }
    var observations: [Observation] = []
    let outcome = Array(topic.utf8).withUnsafeBytes { topic in
      payload.withUnsafeBytes { payload in
        decoder.decode(topic: topic, payload: payload, reception, into: &observations)
      }
    }
    var writer = LineWriter()
    for observation in observations {
      var line = JSONWriter()
      observation.write(to: &line)
      writer.line(line.bytes)
    }
    writer.flush()
    try finish(outcome)
  }

  private func finish(_ outcome: Decoder.Outcome) throws {
    switch outcome {
    case .decoded: break
    case .partial(let faults): for fault in faults { Console.error("partial: \(fault)") }
    case .ignored(let why): Console.error("nothing to take: \(why)")
    case .unrouted:
      throw Exit.failing(Exit.data, "no source takes the topic \(topic); see [[source]] in \(configuration.path)")
    case .refused(let fault): throw Exit.failing(Exit.data, fault)
    }
  }

  /// No payload of a device comes near it; the decoder's own limit is lower.
  private static let largestPayload = 16 << 20

  private func read() throws -> [UInt8] {
    var descriptor = STDIN_FILENO
    let name = payloadFile ?? "standard input"
    if let payloadFile {
      descriptor = open(payloadFile, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw Exit.failing(Exit.io, "\(payloadFile): \(String(cString: strerror(errno)))") }
    }
    defer { if descriptor != STDIN_FILENO { close(descriptor) } }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 * 1024)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw Exit.failing(Exit.io, "\(name): \(String(cString: strerror(errno)))") }
      guard count > 0 else { return bytes }
      bytes += chunk[..<count]
      guard bytes.count <= DecodeCommand.largestPayload else {
        throw Exit.failing(Exit.data, "\(name): more than 16 MiB is no device's payload")
      }
    }
  }
}

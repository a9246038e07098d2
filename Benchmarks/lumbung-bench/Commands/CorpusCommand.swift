import ArgumentParser
import Glibc
import HotParts
import Simulation
import Telemetry

struct CorpusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "corpus", abstract: "Write down the simulated district's messages, for the publisher.",
    discussion: """
      For each message: the lengths of topic and payload (4 bytes each, the lowest first), one byte that says whether it \
      is retained, topic, payload. The same arguments give the same bytes.
      """)

  @Option(help: "How many devices.") var devices = 500
  @Option(help: "How many messages.") var messages = 200_000
  @Option(help: "Messages a second, in the devices' own time.") var rate = 1000.0
  @Option(help: "When the first one is taken, in milliseconds since 1970; else 2026-11-22T03:40:00Z.")
  var start: Int64?
  @Option(help: "Decides everything that is random.") var seed: UInt64 = 1
  @Argument(help: "The file.") var path: String

  func run() throws {
    guard let file = fopen(path, "wb") else { throw ValidationError("\(path): \(String(cString: strerror(errno)))") }
    var bytes = 0
    var count = 0
    let corpus = Corpus(
      devices: devices, messages: messages, rate: rate,
      start: start.map(Timestamp.init(milliseconds:)) ?? Corpus.fixedStart, seed: seed)
    for message in corpus {
      var record: [UInt8] = []
      record.reserveCapacity(9 + message.topic.utf8.count + message.payload.count)
      for length in [message.topic.utf8.count, message.payload.count] {
        withUnsafeBytes(of: UInt32(length).littleEndian) { record.append(contentsOf: $0) }
      }
      record.append(message.retained ? 1 : 0)
      record.append(contentsOf: message.topic.utf8)
      record.append(contentsOf: message.payload)
      guard fwrite(record, 1, record.count, file) == record.count else { break }
      bytes += record.count - 9
      count += 1
    }
    guard fclose(file) == 0, count == messages else {
      throw ValidationError("\(path): \(String(cString: strerror(errno)))")
    }
    print("{\"messages\": \(count), \"bytes\": \(bytes)}")
  }
}

import ArgumentParser
import Glibc
import Journal
import Telemetry

struct MakeJournal: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "make-journal", abstract: "Makes a journal as large as a box may have it, for measuring starts.",
    discussion: "500 cameras report 100 times a second in all; the last message was received just now.")

  @Argument(help: "The folder in which journal.db is made.")
  var folder: String
  @Option(help: "Messages.")
  var messages = 10_000_000

  private static let devices = 500
  private static let perSecond: Int64 = 100
  private static let perCommit = 2_000
  private static let counters: UInt64 = 10_000_000_000_000_000

  private static func write(_ number: UInt64, _ digits: Range<Int>, _ payload: inout [UInt8]) {
    var rest = number
    for at in digits.reversed() {
      payload[at] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    }
  }

  func run() throws {
    // As the gateway does: it refuses a store that others may read.
    umask(umask(0o777) | 0o027)
    var options = JournalWriter.Options()
    options.synchronous = "OFF"
    let writer = try JournalWriter(path: folder + "/journal.db", options: options)
    let topics = (0..<MakeJournal.devices).map { number in
      Array("school/s\(number % 50)/cctv/cam-\(number)/telemetry".utf8)
    }
    let front = Array("{\"ts\":".utf8)
    // Thirteen digits of time, then those of a counter that nobody can guess: so many that the file is larger than all
    // that a start may read of logs, newest segments and the outbox.
    let io = front.count + 13 + Array(",\"io\":".utf8).count
    var payload = Array("{\"ts\":1795318800000,\"io\":1234567890123456,\"fps\":24,\"rx\":-17,\"st\":\"online\"}".utf8)
    var random = Seeded(1)
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let end = Int64(now.tv_sec) * 1000
    var builder = SegmentBuilder()
    var made = 0
    while made < messages {
      builder.removeAll()
      var time = end
      for _ in 0..<min(MakeJournal.perCommit, messages - made) {
        time = end - Int64(messages - 1 - made) * 1000 / MakeJournal.perSecond
        // Written in place: ten million texts would take longer than the rest.
        MakeJournal.write(UInt64(time), front.count..<front.count + 13, &payload)
        MakeJournal.write(random.next() % MakeJournal.counters, io..<io + 16, &payload)
        topics[made % MakeJournal.devices].withUnsafeBytes { topic in
          payload.withUnsafeBytes { payload in
            builder.append(
              topic: topic, payload: payload, packetID: UInt16(made % 65_535 + 1), qos: 1, retained: false,
              receivedAt: Timestamp(milliseconds: time))
          }
        }
        made += 1
      }
      let clock = ClockReading(
        wall: Timestamp(milliseconds: time), boot: "measured", sinceBoot: .milliseconds(time), synchronised: true)
      try writer.append(builder, clock: clock)
    }
    print("\(writer.messageCount) messages, \(writer.bytesInUse >> 20) MiB")
  }
}

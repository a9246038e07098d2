import Glibc
import Synchronization
import Telemetry

/// Writes down what was published, so that what a receiver has can be compared with it. One JSON object a line:
///
/// - first the header: `{"record":"lumbung-simulate","version":1,"seed":…,"start":…,"rate":…,"scenario":{…}}`;
/// - a message: `{"n":1,"topic":…,"payload":…,"qos":1,"retain":false,"published_at":…,"kind":…,"device":…,
///   "devices":[…],"time":…}`, with `payload_b64` in place of `payload` where the bytes are no UTF-8. `device` is the
///   sender; `devices` are those that a gateway must count it for (none, where it is rubbish), and `time` is that of
///   the reading, absent where it is counted at its receipt. It is in the file before the message is handed to the
///   MQTT client, so that nothing reaches a broker that isn't recorded, even if this process dies;
/// - `{"ack":1}` once the broker has acknowledged message 1. Where it is missing, the broker may have it or not;
/// - `{"unsent":1}` where message 1 was never handed over, because the simulation was stopped.
final class Recorder: Sendable {
  private struct State: ~Copyable {
    var file: Int32
    var buffer: [UInt8] = []
    var writer = JSONWriter()
    var failure: SimulationError?
  }

  private let path: String
  private let state: Mutex<State>

  init(path: String) throws(SimulationError) {
    self.path = path
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw .record(path, systemError()) }
    state = Mutex(State(file: file))
  }

  deinit {
    _ = state.withLock { Glibc.close($0.file) }
  }

  func header(seed: UInt64, start: Timestamp, rate: Double?, scenario: Scenario) {
    line { json in
      json.object { json in
        json.field("record", "lumbung-simulate")
        json.field("version", 1)
        if let seed = Int64(exactly: seed) { json.field("seed", seed) } else { json.field("seed", String(seed)) }
        json.field("start", start)
        if let rate { json.field("rate", rate) }
        json.object("scenario") { object in
          for key in Scenario.keys { object.field(key.name, key.get(scenario)) }
        }
      }
    }
  }

  func published(_ message: PlannedMessage, at time: Timestamp) {
    line { json in
      json.object { json in
        json.field("n", Int64(clamping: message.number))
        json.field("topic", message.topic)
        if let text = String(validating: message.payload, as: UTF8.self) {
          json.field("payload", text)
        } else {
          json.field("payload_b64", Base64Text.encode(message.payload))
        }
        json.field("qos", 1)
        json.field("retain", message.retained)
        json.field("published_at", time)
        json.field("kind", message.kind.rawValue)
        json.field("device", message.device)
        json.array("devices") { array in
          for device in message.devices { array.element(device) }
        }
        if let time = message.time { json.field("time", time) }
      }
    }
  }

  func acknowledged(_ number: UInt64) { line { $0.object { $0.field("ack", Int64(clamping: number)) } } }

  func unsent(_ number: UInt64) { line { $0.object { $0.field("unsent", Int64(clamping: number)) } } }

  /// Hands all lines so far to the kernel. Throws also what went wrong at an earlier call: the record would have a
  /// hole.
  func flush() throws(SimulationError) {
    let failure = state.withLock { state in
      if state.failure == nil { state.failure = write(&state) }
      return state.failure
    }
    if let failure { throw failure }
  }

  private func line(_ body: (inout JSONWriter) -> Void) {
    state.withLock { state in
      state.writer.removeAll()
      body(&state.writer)
      state.buffer.append(contentsOf: state.writer.bytes)
      state.buffer.append(UInt8(ascii: "\n"))
    }
  }

  private func write(_ state: inout State) -> SimulationError? {
    var written = 0
    while written < state.buffer.count {
      let count = state.buffer.withUnsafeBytes { bytes in
        Glibc.write(state.file, bytes.baseAddress.map { $0 + written }, bytes.count - written)
      }
      if count < 0 {
        let code = errno
        if code == EINTR { continue }
        return .record(path, systemError(code))
      }
      written += count
    }
    state.buffer.removeAll(keepingCapacity: true)
    return nil
  }
}

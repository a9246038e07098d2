import Glibc
import Synchronization
import Telemetry
import Threads

@testable import Outbox

/// A receiver behind a bad network, in this process: it applies batches by their numbers and does to each request what
/// the dice say. Over loopback.
final class UnrulyReceiver: Sendable {
  /// What may become of a request.
  enum Fate: CaseIterable, Sendable {
    case taken, refusedForNow, cutBefore, cutInside, swallowed, halfClosed, late, cutAnswer, tooMany, tooLarge
  }

  /// What was applied, lane by lane: the content of each number.
  struct Content: Sendable {
    var records: [String: [Int64: String]] = [:]
    /// Numbers that came with another content than before.
    var contradictions = 0
    var requests = 0
    /// The order in which numbers were first applied.
    var order: [String] = []
  }

  static let passing = [408, 409, 425, 429, 500, 502, 503, 504]

  let port: UInt16
  private let listener: Int32
  private let dice: Mutex<Dice>
  private let content = Mutex(Content())
  private let calm = Atomic(false)
  /// Of a hundred requests, how many meet with an accident.
  private let roughness: Int

  init(seed: UInt64, roughness: Int) {
    dice = Mutex(Dice(seed))
    self.roughness = roughness
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    port = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length)
        listen(listener, 16)
        getsockname(listener, $0, &length)
      }
      return UInt16(bigEndian: pointer.pointee.sin_port)
    }
  }

  func start() throws {
    _ = try BlockingThread("receiver") { [self] in
      while true {
        let client = accept(listener, nil, nil)
        guard client >= 0 else { return }
        _ = try? BlockingThread("client") { [self] in
          serve(client)
          // A program that another test started meanwhile may have inherited the descriptor.
          shutdown(client, Int32(SHUT_RDWR))
          close(client)
        }
      }
    }
  }

  func stop() {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  var url: String { "http://127.0.0.1:\(port)" }
  var applied: Content { content.withLock { $0 } }
  /// From now on everything is taken.
  func becomeCalm() { calm.store(true, ordering: .relaxed) }

  private func roll(_ count: Int) -> Int { dice.withLock { Int($0.next() % UInt64(count)) } }

  private func fate(records: Int) -> Fate {
    if calm.load(ordering: .relaxed) || roll(100) >= roughness { return .taken }
    let fates = Fate.allCases.filter { $0 != .taken && ($0 != .tooLarge || records > 1) }
    return fates[roll(fates.count)]
  }

  private func serve(_ client: Int32) {
    var buffer: [UInt8] = []
    while let (head, body) = read(client, &buffer) {
      guard let batch = Parsed(head, body) else { return answer(client, 418) }
      content.withLock { $0.requests += 1 }
      switch fate(records: batch.lines.count) {
      case .taken:
        apply(batch)
        answer(client, 200)
      case .late:
        usleep(UInt32(roll(8)) * 1000)
        apply(batch)
        answer(client, 204)
      case .refusedForNow: answer(client, UnrulyReceiver.passing[roll(UnrulyReceiver.passing.count)])
      case .tooMany: answer(client, 429, "Retry-After: 0\r\n")
      case .tooLarge: answer(client, 413)
      case .cutBefore: return
      case .cutInside:
        send("HTTP/1.1 200", client)
        return
      case .swallowed:
        apply(batch)
        return
      case .halfClosed:
        apply(batch)
        shutdown(client, Int32(SHUT_WR))
        usleep(1000)
        return
      case .cutAnswer:
        apply(batch)
        send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123", client)
        return
      }
    }
  }

  private func answer(_ client: Int32, _ status: Int, _ headers: String = "") {
    send("HTTP/1.1 \(status) X\r\n\(headers)Content-Length: 0\r\n\r\n", client)
  }

  private func send(_ text: String, _ client: Int32) {
    let bytes = Array(text.utf8)
    _ = Glibc.send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  private func apply(_ batch: Parsed) {
    content.withLock { content in
      for (seq, line) in zip(batch.first..., batch.lines) {
        if let before = content.records[batch.lane]?[seq] {
          if before != line { content.contradictions += 1 }
        } else {
          content.records[batch.lane, default: [:]][seq] = line
          content.order.append("\(batch.lane)/\(seq)")
        }
      }
    }
  }

  /// One request; `nil` at the end. A part of it may come late.
  private func read(_ client: Int32, _ buffer: inout [UInt8]) -> (head: String, body: [UInt8])? {
    var chunk = [UInt8](repeating: 0, count: 32 << 10)
    while true {
      if let end = buffer.endOfHead {
        let head = String(decoding: buffer[..<end], as: UTF8.self)
        let length =
          head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
          .flatMap { Int($0.split(separator: ":")[1].filter(\.isNumber)) } ?? 0
        if buffer.count >= end + length {
          let body = Array(buffer[end..<end + length])
          buffer.removeFirst(end + length)
          return (head, body)
        }
      }
      let count = recv(client, &chunk, chunk.count, 0)
      guard count > 0 else { return nil }
      buffer += chunk[..<count]
    }
  }

  private struct Parsed {
    let lane: String
    let first: Int64
    let lines: [String]

    init?(_ head: String, _ body: [UInt8]) {
      guard let json = try? Codec.expand(body, .gzip), let tree = try? JSONTree(json), let lane = tree["lane"]?.text,
        let first = tree["first"]?.integer, let records = BatchBody.records(json)
      else { return nil }
      self.lane = lane
      self.first = first
      lines = records.map { String(decoding: $0, as: UTF8.self) }
    }
  }
}

extension [UInt8] {
  /// Behind the empty line of an HTTP head.
  fileprivate var endOfHead: Int? {
    guard count >= 4 else { return nil }
    for at in 0...(count - 4) where self[at] == 13 && self[at + 1] == 10 && self[at + 2] == 13 && self[at + 3] == 10 {
      return at + 4
    }
    return nil
  }
}

/// The same numbers for the same seed, for ever.
struct Dice: RandomNumberGenerator, Sendable {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }
}

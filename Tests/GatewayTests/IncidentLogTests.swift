import Glibc
import Outbox
import Synchronization
import Telemetry
import Testing

@testable import Gateway

/// A folder that goes away with its owner.
private final class Folder {
  let path: String

  init() {
    var template = Array("/tmp/lumbung-gateway-XXXXXX".utf8CString)
    path = String(cString: mkdtemp(&template))
  }

  deinit {
    for name in ["outbox.db", "outbox.db-wal", "outbox.db-shm", "generation"] { unlink("\(path)/\(name)") }
    rmdir(path)
  }

  func open() throws -> Outbox {
    try Outbox(
      Outbox.Options(
        path: path + "/outbox.db", gateway: "gw", epoch: "e1", destinations: [.init(name: "central")],
        extraSchema: IncidentLog.schema))
  }
}

@Suite("Incidents")
struct IncidentLogTests {
  private let folder = Folder()

  private func records(_ outbox: Outbox) throws -> Int {
    try outbox.nextBatches(for: "central", lane: .status, limit: 100).reduce(0) { $0 + $1.recordCount }
  }

  @Test("an incident is logged, shown and told once, however often it is met")
  func once() throws {
    let lines = Mutex<[String]>([])
    let log = IncidentLog { line in lines.withLock { $0.append(line) } }
    let outbox = try folder.open()
    for _ in 0..<3 {
      log.note(.damagedSegment(7, "its checksum is wrong", journal: "e1"))
      try log.tell(outbox)
    }
    #expect(lines.withLock(\.count) == 1)
    #expect(log.shown.map(\.what) == ["segment-damaged"])
    #expect(try records(outbox) == 1)
  }

  @Test("a later process knows them, and tells none of them again")
  func restart() throws {
    do {
      let outbox = try folder.open()
      let log = IncidentLog { _ in }
      log.note(.damagedSegment(7, "its checksum is wrong", journal: "e1"))
      try log.tell(outbox)
    }
    let outbox = try folder.open()
    let log = IncidentLog { _ in }
    try log.load(outbox)
    #expect(log.shown.count == 1)
    log.note(.damagedSegment(7, "its checksum is wrong", journal: "e1"))
    log.note(.damagedSegment(8, "its checksum is wrong", journal: "e1"))
    try log.tell(outbox)
    #expect(log.shown.map(\.gaps) == ["8", "7"])
    #expect(try records(outbox) == 2)
  }

  @Test("no more than twenty are kept, the newest")
  func bounded() throws {
    let outbox = try folder.open()
    let log = IncidentLog { _ in }
    for segment in 1...100 {
      log.note(.damagedSegment(Int64(segment), "gone", journal: "e1"))
      if segment % 7 == 0 { try log.tell(outbox) }
    }
    try log.tell(outbox)
    let later = IncidentLog { _ in }
    try later.load(outbox)
    for log in [log, later] { #expect(log.shown.compactMap(\.gaps) == (81...100).reversed().map(String.init)) }
  }
}

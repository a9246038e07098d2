import Glibc
import Telemetry
import Testing

@testable import Central

/// Opens a store on a file of its own, and removes it afterwards.
func withStore(_ body: (SQLiteCentralStore, _ path: String) async throws -> Void) async throws {
  let path = "/tmp/central-test-\(NamedUUID.random()).db"
  defer { for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) } }
  let store = try await SQLiteCentralStore.open(path: path)
  do {
    try await body(store, path)
  } catch {
    await store.close()
    throw error
  }
  await store.close()
}

@Suite("The SQLite store")
struct StoreTests {
  private let now = Samples.time(minute: 60)

  private func send(_ store: SQLiteCentralStore, _ bytes: [UInt8]) async throws -> Receipt {
    try await store.apply(Samples.decoded(bytes), at: now)
  }

  @Test("a batch that comes again is counted as duplicates and changes nothing")
  func repeated() async throws {
    try await withStore { store, _ in
      let batch = Samples.batch([Samples.summary(1), Samples.summary(2, minute: 45)])
      #expect(try await send(store, batch) == Receipt(accepted: 2))
      #expect(try await send(store, batch) == Receipt(duplicates: 2))
      let report = try #require(try await store.gateways(GatewayQuery()).items.first)
      #expect(report.counts.records == 2)
      #expect(report.counts.duplicates == 2)
      #expect(report.counts.summaries == 2)
      #expect(report.counts.batches == 2)
      #expect(report.lastContact == now)
    }
  }

  @Test("the highest version stays, in whatever order the versions come")
  func versions() async throws {
    let versions = [(0, 0), (0, 2), (1, 0), (0, 1)]
    for order in permutations(of: [0, 1, 2, 3]) {
      try await withStore { store, _ in
        for index in order {
          let (generation, revision) = versions[index]
          let record = Samples.summary(index + 1, revision: revision, mean: Double(index))
          _ = try await send(store, Samples.batch([record], generation: generation, first: index + 1))
        }
        let summaries = try await store.summaries(SummaryQuery()).items
        #expect(summaries.map(\.generation) == [1])
        #expect(summaries.map(\.record) == [Samples.summary(3, revision: 0, mean: 2)])
      }
    }
  }

  @Test("another epoch, window, gateway or a group of the same name has a record of its own")
  func keys() async throws {
    try await withStore { store, _ in
      let group = Samples.summary(4).split(separator: "\"device\"").joined(separator: "\"group\"")
      _ = try await send(store, Samples.batch([Samples.summary(1), Samples.summary(2, minute: 45)]))
      _ = try await send(store, Samples.batch([Samples.summary(1)], epoch: "11111111-7a43-4a57-9a53-0d8a8f4b9f11"))
      _ = try await send(store, Samples.batch([Samples.summary(1)], gateway: "oki-02"))
      _ = try await send(store, Samples.batch([group], first: 4))
      #expect(try await store.summaries(SummaryQuery()).items.count == 5)
      #expect(try await store.summaries(SummaryQuery(device: "sman1/cam-03")).items.count == 4)
      #expect(try await store.summaries(SummaryQuery(gateway: "oki-02")).items.count == 1)
    }
  }

  @Test("the same number with other content is a conflict, and is applied by its version all the same")
  func conflicts() async throws {
    try await withStore { store, _ in
      _ = try await send(store, Samples.batch([Samples.summary(1)]))
      let changed = Samples.summary(1, revision: 1, mean: 3)
      #expect(try await send(store, Samples.batch([changed])) == Receipt(duplicates: 1, conflicts: 1))
      #expect(try await store.summaries(SummaryQuery()).items.map(\.record) == [changed])
      #expect(try await store.gateways(GatewayQuery()).items.map(\.counts.conflicts) == [1])
    }
  }

  @Test("what is missing is known for each numbering, and dropped records cover what they name")
  func coverage() async throws {
    try await withStore { store, _ in
      _ = try await send(store, Samples.batch([Samples.summary(9)], first: 9))
      _ = try await send(store, Samples.batch([Samples.summary(3), Samples.summary(4)], first: 3))
      _ = try await send(store, Samples.batch([Samples.summary(1)], stream: "mirror"))
      let dropped = #"{"seq":5,"through":6,"type":"dropped","reason":"quota"}"#
      #expect(try await send(store, Samples.batch([dropped], first: 5, last: 6)) == Receipt(accepted: 1))
      let report = try #require(try await store.gateways(GatewayQuery()).items.first)
      let main = try #require(report.numberings.first { $0.stream.isEmpty })
      #expect(main.missing == [1...2, 7...8])
      #expect(main.missingCount == 4)
      #expect(main.highest == 9)
      #expect(report.numberings.first { $0.stream == "mirror" }?.missing == [])
      #expect(report.counts.dropped == 2)
      #expect(try await send(store, Samples.batch([dropped], first: 5, last: 6)) == Receipt(duplicates: 1))
    }
  }

  @Test("coverage in the store is that of a set, whatever batches come", arguments: 0..<4)
  func coverageLikeASet(seed: UInt64) async throws {
    var random = SplitMix(state: seed)
    var set: Set<Int64> = []
    try await withStore { store, _ in
      for _ in 0..<40 {
        let first = Int.random(in: 1...80, using: &random)
        let last = first + Int.random(in: 0...6, using: &random)
        let records = (first...last).map { #"{"seq":\#($0),"type":"novel"}"# }
        let known = (first...last).count { set.contains(Int64($0)) }
        let receipt = try await send(store, Samples.batch(records, first: first))
        #expect(receipt == Receipt(accepted: records.count - known, duplicates: known))
        set.formUnion((first...last).map(Int64.init))
      }
      let numbering = try #require(try await store.gateways(GatewayQuery()).items.first?.numberings.first)
      let highest = set.max() ?? 1
      #expect(numbering.missing.flatMap(Array.init) == (1...highest).filter { !set.contains($0) })
      #expect(numbering.missingCount == highest - Int64(set.count))
    }
  }

  @Test("an alarm is joined of its transitions, in whatever order they come")
  func alarms() async throws {
    try await withStore { store, _ in
      _ = try await send(
        store,
        Samples.batch(
          [
            Samples.alarm(1, id: "a", "cleared", minute: 50), Samples.alarm(2, id: "b", "raised", minute: 45),
            Samples.alarm(3, id: "a", "raised", minute: 40), Samples.alarm(4, id: "c", "cleared", minute: 30),
          ], lane: "alarm"))
      #expect(try await store.alarms(AlarmQuery()).items.map(\.id) == ["b", "a", "c"])
      #expect(try await store.alarms(AlarmQuery(isActive: true)).items.map(\.id) == ["b"])
      #expect(try await store.alarms(AlarmQuery(isActive: false)).items.map(\.id) == ["a", "c"])
      let end = Samples.alarm(5, id: "b", "cleared", minute: 55)
      _ = try await send(store, Samples.batch([end], lane: "alarm", first: 5))
      #expect(try await store.alarms(AlarmQuery(isActive: true)).items.isEmpty)
      #expect(try await store.gateways(GatewayQuery()).items.map(\.counts.alarms) == [5])
    }
  }

  @Test("an alarm derived again changes nothing")
  func repeatedAlarm() async throws {
    try await withStore { store, _ in
      _ = try await send(store, Samples.batch([Samples.alarm(1, id: "a", "raised")], lane: "alarm"))
      let again = Samples.alarm(1, id: "a", "raised", minute: 41, device: "other")
      _ = try await send(store, Samples.batch([again], generation: 1, lane: "alarm"))
      let alarm = try #require(try await store.alarms(AlarmQuery()).items.first)
      #expect(alarm.raised == Samples.alarm(1, id: "a", "raised"))
      #expect(alarm.generation == 0)
    }
  }

  @Test("the backlog is that of the latest status of the latest epoch")
  func backlog() async throws {
    func status(_ seq: Int, _ backlog: Int) -> [UInt8] {
      Samples.batch([#"{"seq":\#(seq),"type":"status","backlog_records":\#(backlog)}"#], lane: "status", first: seq)
    }
    try await withStore { store, _ in
      _ = try await send(store, status(2, 20))
      _ = try await send(store, status(1, 10))
      #expect(try await store.gateways(GatewayQuery()).items.map(\.backlog) == [20])
      _ = try await send(
        store,
        Samples.batch(
          [#"{"seq":1,"type":"status","backlog_records":7}"#], epoch: "22222222-7a43-4a57-9a53-0d8a8f4b9f11",
          lane: "status"))
      #expect(try await store.gateways(GatewayQuery()).items.map(\.backlog) == [7])
    }
  }

  @Test("a void record hides its window until it is asked for, and a higher revision brings it back")
  func void() async throws {
    try await withStore { store, _ in
      _ = try await send(store, Samples.batch([Samples.summary(1)]))
      _ = try await send(store, Samples.batch([Samples.summary(2, revision: 1, more: #""void":true,"#)], first: 2))
      #expect(try await store.summaries(SummaryQuery()).items.isEmpty)
      #expect(try await store.summaries(SummaryQuery(includesVoid: true)).items.count == 1)
      _ = try await send(store, Samples.batch([Samples.summary(3, revision: 2)], first: 3))
      #expect(try await store.summaries(SummaryQuery()).items.count == 1)
    }
  }

  @Test("pages follow one another without a gap or a repeat, both ways", arguments: [false, true])
  func paging(isDescending: Bool) async throws {
    try await withStore { store, _ in
      for gateway in ["oki-02", "oki-01"] {
        let records = (0..<12).map { Samples.summary($0 + 1, device: "d\($0 % 3)", minute: 5 * ($0 / 3)) }
        _ = try await send(store, Samples.batch(records, gateway: gateway))
      }
      let all = try await store.summaries(SummaryQuery(isDescending: isDescending, limit: 1000)).items
      #expect(all.count == 24)
      var paged: [StoredSummary] = []
      var cursor: Cursor?
      repeat {
        let page = try await store.summaries(SummaryQuery(isDescending: isDescending, limit: 5, cursor: cursor))
        paged += page.items
        cursor = page.next.flatMap { Cursor(text: $0.text) }
      } while cursor != nil
      #expect(paged == all)
      let first = isDescending ? all.last : all.first
      #expect(first?.gateway == "oki-01")
      #expect(first?.record == Samples.summary(1, device: "d0", minute: 0))
    }
  }

  @Test("from is inclusive and to exclusive")
  func interval() async throws {
    try await withStore { store, _ in
      _ = try await send(store, Samples.batch((0..<4).map { Samples.summary($0 + 1, minute: 5 * $0) }))
      let query = SummaryQuery(from: Samples.time(minute: 5), to: Samples.time(minute: 15))
      #expect(
        try await store.summaries(query).items.map(\.record) == [
          Samples.summary(2, minute: 5), Samples.summary(3, minute: 10),
        ])
    }
  }

  @Test("a metric narrows the records to those that have it, and stands for its instances")
  func metric() async throws {
    try await withStore { store, _ in
      _ = try await send(store, Samples.batch([Samples.summary(1)]))
      let motion = try #require(try await store.summaries(SummaryQuery(metric: "motion")).items.first)
      #expect(motion.record.hasSuffix(#""metrics":{"motion":{"kind":"event","count":2}}}"#))
      #expect(motion.record.hasPrefix(#"{"seq":1,"type":"summary""#))
      let phase = try await store.summaries(SummaryQuery(metric: "phase")).items
      #expect(phase.map { $0.record.hasSuffix(#""metrics":{"phase{l=1}":{"kind":"gauge","mean":1}}}"#) } == [true])
      #expect(try await store.summaries(SummaryQuery(metric: "mot")).items.isEmpty)
    }
  }

  @Test("many batches at once are all applied, each once")
  func concurrent() async throws {
    try await withStore { store, _ in
      let receipts = try await withThrowingTaskGroup(of: Receipt.self) { group in
        for index in 0..<300 {
          let batch = try Samples.decoded(
            Samples.batch([Samples.summary(index / 2 + 1, minute: index / 2)], first: index / 2 + 1))
          group.addTask { try await store.apply(batch, at: now) }
        }
        return try await group.reduce(into: [Receipt]()) { $0.append($1) }
      }
      #expect(receipts.reduce(0) { $0 + $1.accepted } == 150)
      #expect(receipts.reduce(0) { $0 + $1.duplicates } == 150)
      #expect(try await store.gateways(GatewayQuery()).items.first?.numberings.map(\.missingCount) == [0])
    }
  }

  @Test("what was applied is there after the file is closed and opened again")
  func reopening() async throws {
    try await withStore { store, path in
      _ = try await send(store, Samples.batch([Samples.summary(1)]))
      await store.close()
      let again = try await SQLiteCentralStore.open(path: path)
      #expect(try await send(again, Samples.batch([Samples.summary(1)])) == Receipt(duplicates: 1))
      await again.close()
    }
  }

  @Test("after it is closed, the store refuses instead of waiting for ever")
  func closed() async throws {
    try await withStore { store, _ in
      await store.close()
      await #expect(throws: StoreError.self) { try await send(store, Samples.batch([Samples.summary(1)])) }
      await #expect(throws: StoreError.self) { try await store.gateways(GatewayQuery()) }
    }
  }

  @Test("a file that is no database, or another program's, is refused and left alone")
  func foreign() async throws {
    let path = "/tmp/central-test-\(NamedUUID.random()).db"
    defer { unlink(path) }
    let file = try #require(fopen(path, "w"))
    fputs(String(repeating: "this is no database. ", count: 100), file)
    fclose(file)
    await #expect(throws: (any Error).self) { try await SQLiteCentralStore.open(path: path) }
  }

  private func permutations(of items: [Int]) -> [[Int]] {
    guard items.count > 1 else { return [items] }
    return items.flatMap { item in permutations(of: items.filter { $0 != item }).map { [item] + $0 } }
  }
}

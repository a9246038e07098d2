import Decoding
import Foundation
import Journal
import SQLite
import Telemetry
import Testing

@testable import Derive
@testable import Outbox

@Suite("what decoding must know of after a restart")
struct DecoderMemoryTests {
  private func store(_ format: String, _ topic: String) throws -> TemporaryStore {
    let store = try TemporaryStore()
    store.sources = [SourceDefinition(name: "source", topic: try TopicPattern(topic), format: format)]
    return store
  }

  private func write(_ store: TemporaryStore, _ second: Int64, _ messages: (String, String)...) throws {
    let time = RandomStream.origin + .seconds(second)
    try store.writeTexts(messages.map { ($0.0, $0.1, time) }, at: time)
  }

  @Test("a server's will takes down cameras that only an earlier process has heard of")
  func bridges() throws {
    let store = try store("frigate", "frigate/#")
    try write(store, 1, ("frigate/lobi/motion", "ON"), ("frigate/aula/motion", "ON"))
    try write(store, 40)
    let first = try store.deriver()
    while try !first.turn(now: .seconds(1)) {}
    try first.finish()
    let second = try store.deriver()
    try write(store, 41, ("frigate/available", "offline"))
    try write(store, 70)
    while try !second.turn(now: .seconds(2)) {}
    try second.finish()
    let down = try store.records(.summary).filter { record in
      let availability = (record["metrics"] as? [String: Any])?["availability"] as? [String: Any]
      return availability?["last"] as? String == "offline"
    }
    #expect(Set(down.compactMap { $0["device"] as? String }) == ["frigate", "frigate/lobi", "frigate/aula"])
  }

  /// A birth with one metric, alias 1; data by the alias.
  private func birth(_ name: String) -> String {
    let metric = "\u{a}\(Character(Unicode.Scalar(UInt8(name.utf8.count))))\(name)\u{10}\u{1}\u{20}\u{3}\u{50}\u{5}"
    return "\u{12}\(Character(Unicode.Scalar(UInt8(metric.utf8.count))))\(metric)\u{18}\u{0}"
  }
  private let data = "\u{12}\u{4}\u{10}\u{1}\u{50}\u{7}\u{18}\u{1}"

  @Test("aliases outlive the process and the birth's message, and data without a birth is refused and asked for")
  func births() throws {
    let store = try store("sparkplug", "spBv1.0/#")
    try write(store, 1, ("spBv1.0/g/NBIRTH/n", birth("suhu")))
    try write(store, 40)
    let first = try store.deriver()
    while try !first.turn(now: .seconds(1)) {}
    try first.finish()
    let second = try store.deriver()
    try write(store, 41, ("spBv1.0/g/NDATA/n", data), ("spBv1.0/g/NDATA/other", data))
    while try !second.turn(now: .seconds(2)) {}
    #expect(second.counts.observations == 1)
    #expect(second.counts.quarantined == 1)
    #expect(second.takeRebirthRequests().map(\.topic) == ["spBv1.0/g/NCMD/other"])
    try second.finish()
    #expect(second.counts.rebirthsWanted == 1)
    let stored = try Database(path: store.folder + "/outbox.db", mode: .reader)
    let kept = try MemoryStore.load(stored)
    #expect(kept.map(\.scope) == ["sparkplug\u{1f}g/n"])
  }

  @Test("of births that no message will be read with any more, the last stays")
  func pruning() throws {
    let store = try store("sparkplug", "spBv1.0/#")
    try write(store, 1, ("spBv1.0/g/NBIRTH/n", birth("a")))
    try write(store, 2, ("spBv1.0/g/NBIRTH/n", birth("b")))
    try write(store, 3, ("spBv1.0/g/NBIRTH/n", birth("c")))
    let deriver = try store.deriver()
    while try !deriver.turn(now: .seconds(1)) {}
    try deriver.finish()
    let stored = try Database(path: store.folder + "/outbox.db", mode: .reader)
    let kept = try MemoryStore.load(stored)
    #expect(kept.count == 3)
    let last = try #require(kept.last)
    try store.outbox.transaction { try MemoryStore.forget(before: last.sequence + 1, $0.database) }
    #expect(try MemoryStore.load(stored).map(\.sequence) == [last.sequence])
  }
}

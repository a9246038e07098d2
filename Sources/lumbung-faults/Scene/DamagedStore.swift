import Derive
import Journal
import Telemetry

/// A store with content, as it lay on the disk when a run was stopped: in order, or by a kill.
struct DamagedStore {
  let number: Int
  let script: Script
  let outcome: [String: [UInt8]]
  let files: [(name: String, bytes: [UInt8])]
  let acknowledged: [Int64]
  let receiver: Receiver
  let uuid: String

  private static let scriptLength = 30
  private static let stoppedAfter = 22

  init(number: Int, seed: UInt64, in folder: Folder) throws {
    self.number = number
    script = Script(seed: seed &+ UInt64(number), length: DamagedStore.scriptLength)
    outcome = try Reference.outcome(script, in: folder)
    folder.clear()
    var receiver = Receiver()
    var acknowledged: [Int64] = []
    // Checkpoints in every other one, so that logs are damaged that hold little and logs that hold all.
    var gateway: Gateway? = try Gateway(
      folder: folder.path, script: script, synchronous: "OFF", checkpoints: number % 4 < 2,
      uuid: NamedUUID.make(["damaged store", "\(script.seed)"]))
    uuid = gateway?.writer.uuid ?? ""
    for step in script.steps.prefix(DamagedStore.stoppedAfter) {
      guard let open = gateway else { break }
      acknowledged.append(try open.append(step))
      if step.derives { try open.derive() }
      if step.sends { try open.send(received: { receiver.receive($0) }, settled: { receiver.settle($0) }) }
    }
    func look() -> [(name: String, bytes: [UInt8])] {
      folder.names.sorted().filter { !$0.hasSuffix("-shm") }.map { ($0, folder.read($0) ?? []) }
    }
    var files = look()
    if number % 2 == 1 {
      try gateway?.deriver.finish()
      gateway = nil
      files = look()
    }
    self.files = files
    self.acknowledged = acknowledged
    self.receiver = receiver
  }

  func restore(_ folder: Folder, _ flip: Flip) throws {
    folder.clear()
    for (name, bytes) in files {
      var bytes = bytes
      if name == flip.file { flip.damage(&bytes) }
      try folder.write(name, bytes)
    }
  }
}

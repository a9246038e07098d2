import ArgumentParser
import Gateway
import Glibc
import Outbox
import Settings
import Telemetry

/// Reads the dead letters, and leaves word for the daemon what to do with them.
struct DeadLetterShelf {
  private let store: String

  init(_ configuration: ConfigurationOption) throws { store = try configuration.load().store.path }

  func letters(limit: Int = .max) throws -> [DeadLetter] {
    do {
      return try DeadLetter.read(outboxPath: "\(store)/outbox.db", limit: limit)
    } catch {
      throw Exit.failing(Exit.io, "\(error)")
    }
  }

  /// Where the daemon runs it takes the word within seconds.
  private static let patience = 15

  func ask(_ verb: String, _ choice: DeadlettersCommand.Choice) throws {
    let known = Set(try letters().map(\.id))
    let ids = choice.all ? known.sorted() : choice.ids
    for id in ids where !known.contains(id) { throw Exit.failing(Exit.data, "there is no dead letter \(id)") }
    if ids.isEmpty { return Console.print("no dead letters") }
    let file = try leave(ids.map { "\(verb) \($0)\n" }.joined())
    for _ in 0..<DeadLetterShelf.patience * 10 {
      if access(file, F_OK) != 0 {
        return Console.print(verb == "retry" ? "\(ids.count) will be sent once more" : "\(ids.count) dropped")
      }
      usleep(100_000)
    }
    throw Exit.failing(Exit.unavailable, "the daemon does not run; it is done when it starts")
  }

  /// Whole or not at all, and the daemon's own, even where root has asked. By descriptors: whoever owns the store must
  /// not lead root elsewhere by a link.
  private func leave(_ text: String) throws -> String {
    let path = "\(store)/\(DeadLetterDesk.folder)"
    var owner = stat()
    guard stat(store, &owner) == 0 else { throw fault("reading", store) }
    let isNew = mkdir(path, 0o770) == 0
    let folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard folder >= 0 else { throw fault("opening", path) }
    defer { close(folder) }
    if isNew { fchown(folder, owner.st_uid, owner.st_gid) }
    let name = "\(DeadLetterDesk.prefix)\(SystemName.random())"
    let temporary = "new-\(name)"
    let file = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o660)
    guard file >= 0 else { throw fault("writing", "\(path)/\(temporary)") }
    fchown(file, owner.st_uid, owner.st_gid)
    let bytes = Array(text.utf8)
    let written = write(file, bytes, bytes.count)
    close(file)
    guard written == bytes.count, renameat(folder, temporary, folder, name) == 0 else {
      let why = fault("writing", "\(path)/\(temporary)")
      unlinkat(folder, temporary, 0)
      throw why
    }
    return "\(path)/\(name)"
  }

  private func fault(_ operation: String, _ path: String) -> ExitCode {
    Exit.failing(
      Exit.io, "\(operation) \(path): \(String(cString: strerror(errno))); run this as the daemon's user or root")
  }
}

private enum SystemName {
  static func random() -> String { String(UInt64.random(in: .min ... .max), radix: 36) }
}

extension DeadLetter {
  var line: String {
    "\(id)\t\(RFC3339.format(time))\t\(destination)\t\(lane.rawValue) \(first)\(isRetrying ? "\tretrying" : "")\t\(reason)"
  }

  var text: String {
    """
    number       \(id)
    refused at   \(RFC3339.format(time))
    uplink       \(destination)
    record       \(lane.rawValue) \(first)\(last == first ? "" : " to \(last)")
    reason       \(reason)\(isRetrying ? "\nstate        waits to be sent once more" : "")

    \(String(decoding: record, as: UTF8.self))
    """
  }

  var json: String {
    var writer = JSONWriter()
    writer.object { json in
      json.field("id", id)
      json.field("time", time)
      json.field("uplink", destination)
      json.field("lane", lane.rawValue)
      json.field("first", first)
      json.field("last", last)
      json.field("reason", reason)
      json.field("retrying", isRetrying)
      if (try? JSONTree(record)) != nil {
        json.field("record", json: record)
      } else {
        json.field("record_base64", Base64Text.encode(record))
      }
    }
    return writer.text
  }
}

import Decoding
import Glibc
import Settings
import Simulation
import Telemetry

/// What the parts work with: the simulated district's messages and configuration, and a folder.
public struct Workplace {
  /// Messages of a run of most parts: enough that what happens once in a while happens often.
  static let messages = 10_000

  /// For databases; emptied by whoever made it.
  public let folder: String
  let settings: GatewaySettings
  /// Twice as many as a run has: the first half is for warming up.
  let corpus: [PlannedMessage]

  /// - Parameters:
  ///   - configuration: the sources, as the gateway has them.
  ///   - alarms: more rules.
  public init(folder: String, configuration: String, alarms: String) throws {
    self.folder = folder
    let text = try Workplace.read(configuration) + Workplace.read(alarms)
    settings = try GatewaySettings.parse(text: text, file: configuration, knownFormats: Decoder.formats)
    corpus = Array(Corpus(devices: 500, messages: Workplace.messages * 2, rate: 1000))
  }

  var warmUp: ArraySlice<PlannedMessage> { corpus[..<Workplace.messages] }
  var work: ArraySlice<PlannedMessage> { corpus[Workplace.messages...] }

  func decoder(_ registry: Registry) throws -> Decoder {
    try Decoder(sources: settings.sources, timezone: settings.timezone, registry: registry)
  }

  func received(_ message: PlannedMessage) -> Timestamp { Corpus.fixedStart + message.at }

  /// A file's name that no other part has.
  func path(_ name: String) -> String { folder + "/" + name }

  private static func read(_ path: String) throws -> String {
    guard let file = fopen(path, "rb") else {
      throw WorkplaceError(path: path, reason: String(cString: strerror(errno)))
    }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// A file of the repository that can't be read.
public struct WorkplaceError: Error, CustomStringConvertible {
  let path: String
  let reason: String

  public var description: String { "\(path): \(reason); run this in the repository" }
}

extension PlannedMessage {
  /// Its topic and payload, as they come from the broker.
  func withBytes<T>(_ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> T) rethrows -> T {
    var topic = topic
    return try topic.withUTF8 { topic in
      try payload.withUnsafeBytes { try body(UnsafeRawBufferPointer(topic), $0) }
    }
  }
}

import Glibc

extension Scenario {
  /// What is wrong with a scenario file.
  public struct Fault: Error, Equatable, Sendable, CustomStringConvertible {
    /// From 1; 0 where the whole file is meant.
    public let line: Int
    public let message: String

    public var description: String { line > 0 ? "line \(line): \(message)" : message }
  }

  /// The default, changed by what `text` says.
  public init(parsing text: String) throws(Fault) {
    self.init()
    var seen: [String: Int] = [:]
    let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    for (index, whole) in lines.enumerated() {
      let number = index + 1
      let line = Scenario.trimmed(whole.prefix { $0 != "#" })
      guard !line.isEmpty else { continue }
      guard let sign = line.firstIndex(of: "=") else {
        throw Fault(line: number, message: "\"\(line.prefix(60))\" is no \"key = value\"")
      }
      let name = String(Scenario.trimmed(line[..<sign]))
      let value = Scenario.trimmed(line[line.index(after: sign)...])
      guard let key = Key.all.first(where: { $0.name == name }) else {
        let hint = Scenario.nearest(to: name).map { "; did you mean \($0)?" } ?? ""
        throw Fault(line: number, message: "unknown key \"\(name.prefix(60))\"\(hint)")
      }
      if let earlier = seen.updateValue(number, forKey: name) {
        throw Fault(line: number, message: "\(name) stands already in line \(earlier)")
      }
      guard key.set(&self, value) else {
        throw Fault(line: number, message: "\(name): \"\(value.prefix(60))\" is not \(key.expects)")
      }
    }
    guard frigateShare + onvifShare <= 1 else {
      let line = max(seen["frigate_share"] ?? 0, seen["onvif_share"] ?? 0)
      throw Fault(line: line, message: "frigate_share and onvif_share together are more than 1")
    }
    guard dropoutShortest <= dropoutLongest else {
      let line = max(seen["dropout_shortest"] ?? 0, seen["dropout_longest"] ?? 0)
      throw Fault(line: line, message: "dropout_shortest is longer than dropout_longest")
    }
    guard devices > 0 else {
      throw Fault(line: 0, message: "there is no device: set cameras, videotrons or fiber_nodes")
    }
  }

  /// Reads a scenario file of at most 64 KiB, a hundred times what all keys need.
  public init(contentsOf path: String) throws(SimulationError) {
    let limit = 65_536
    guard let file = fopen(path, "re") else { throw SimulationError.scenario(path, reason: systemError()) }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: limit + 1)
    let count = fread(&bytes, 1, bytes.count, file)
    guard ferror(file) == 0 else { throw SimulationError.scenario(path, reason: systemError()) }
    guard count <= limit else { throw SimulationError.scenario(path, reason: "it is larger than 64 KiB") }
    guard let text = String(validating: bytes[..<count], as: UTF8.self) else {
      throw SimulationError.scenario(path, reason: "it is no UTF-8 text")
    }
    do {
      try self.init(parsing: text)
    } catch {
      throw SimulationError.scenario(path, line: error.line, reason: error.message)
    }
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text.drop { $0.isWhitespace }
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }

  /// The key whose beginning, underscores aside, agrees with `name` the longest: three letters at least.
  private static func nearest(to name: String) -> String? {
    let folded = name.lowercased().filter { $0 != "-" && $0 != "_" && $0 != " " }
    let candidates = Key.all.map { key in
      (key.name, zip(key.name.filter { $0 != "_" }, folded).prefix { $0 == $1 }.count)
    }
    guard let best = candidates.max(by: { $0.1 < $1.1 }), best.1 >= 3 else { return nil }
    return best.0
  }
}

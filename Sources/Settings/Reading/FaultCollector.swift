/// Gathers what is wrong with one file while it is read, so that all of it can be told at once.
final class FaultCollector {
  /// More than anyone reads; a hostile file could give one for each of its lines.
  private static let most = 100

  let file: String
  private(set) var faults: [SettingsFault] = []
  private var untold = 0
  private var adopted: [SettingsFault] = []
  /// Files that the configuration names, to be looked at where that is asked for.
  private(set) var namedFiles: [NamedFile] = []

  init(file: String) { self.file = file }

  func add(_ message: String, line: Int?, hint: String? = nil) {
    guard faults.count < FaultCollector.most else {
      untold += 1
      return
    }
    faults.append(SettingsFault(file: file, line: line, message: message, hint: hint))
  }

  /// Faults of another file, to be told after this one's.
  func adopt(_ others: [SettingsFault]) { adopted += others }

  func add(_ file: NamedFile) { namedFiles.append(file) }

  /// Returns where nothing is wrong.
  func finish() throws(SettingsFaults) {
    guard !faults.isEmpty || !adopted.isEmpty else { return }
    // Stable: faults of one line stay in the order in which they were found.
    var sorted = faults.enumerated().sorted { a, b in
      (a.element.line ?? 0, a.offset) < (b.element.line ?? 0, b.offset)
    }.map(\.element)
    if untold > 0 {
      sorted.append(SettingsFault(file: file, line: nil, message: "and \(untold) more faults of this kind"))
    }
    throw SettingsFaults(sorted + adopted)
  }
}

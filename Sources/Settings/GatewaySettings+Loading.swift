extension GatewaySettings {
  /// More than a thousand sources with ten metrics each.
  static let largestFile = 1 << 20

  /// Reads and validates a configuration file.
  ///
  /// - Parameters:
  ///   - knownFormats: what a source's `format` may be besides `profile:NAME`: `json`, `scalar`, `frigate` …
  ///   - profiles: where profiles are looked for; the standard places where not given.
  ///   - checkingNamedFiles: whether each `*_file` must be there, readable for the present user, and, where it holds a
  ///     secret, unreadable for others. For `run` and `check`; other commands run as users who may not read secrets.
  /// - Throws: all faults at once.
  public static func load(
    path: String, knownFormats: [String], profiles: ProfileShelf? = nil, checkingNamedFiles: Bool = false
  ) throws(SettingsFaults) -> GatewaySettings {
    let content: BoundedFile.Content
    do throws(BoundedFile.Failure) {
      content = try BoundedFile.read(path, limit: largestFile)
    } catch {
      throw SettingsFaults([fault(of: path, error)])
    }
    guard let text = String(validating: content.bytes, as: UTF8.self) else {
      throw SettingsFaults([
        SettingsFault(
          file: path, line: lineOfInvalidByte(content.bytes), message: "the text is not UTF-8",
          hint: "save the file in UTF-8")
      ])
    }
    let collector = FaultCollector(file: path)
    if checkingNamedFiles, content.permissions & 0o002 != 0 {
      collector.add(
        "every user of this box may change the configuration", line: nil, hint: "chmod 640 \(path)")
    }
    let settings = try read(text, knownFormats, profiles ?? .standard(configuration: path), collector)
    if checkingNamedFiles {
      for file in collector.namedFiles { file.check(collector) }
      try collector.finish()
    }
    return settings
  }

  /// What `path` itself lets others see. It holds no secret, so this is said, and no more.
  public static func cautions(ofFile path: String) -> [Caution] {
    guard let content = try? BoundedFile.read(path, limit: largestFile), content.permissions & 0o004 != 0 else {
      return []
    }
    return [Caution("every user of this box may read the configuration", cure: "chmod 640 \(path)")]
  }

  /// Validates the text of a configuration file; `file` is what the faults call it. Reads no file but profiles that it
  /// names.
  public static func parse(
    text: String, file: String, knownFormats: [String], profiles: ProfileShelf = ProfileShelf(folders: [])
  ) throws(SettingsFaults) -> GatewaySettings {
    guard text.utf8.count <= largestFile else { throw SettingsFaults([fault(of: file, .tooLarge)]) }
    return try read(text, knownFormats, profiles, FaultCollector(file: file))
  }

  private static func read(
    _ text: String, _ knownFormats: [String], _ profiles: ProfileShelf, _ collector: FaultCollector
  ) throws(SettingsFaults) -> GatewaySettings {
    var settings: GatewaySettings?
    if let root = TOMLDocument.parse(text, collector), case .table(let entries) = root.value {
      let reader = TableReader(entries, title: "the file", line: nil, collector: collector)
      settings = GatewaySettings(reading: reader, knownFormats: knownFormats, profiles: profiles)
    }
    try collector.finish()
    guard let settings else {
      throw SettingsFaults([SettingsFault(file: collector.file, line: nil, message: "the file holds no settings")])
    }
    return settings
  }

  private static func fault(of path: String, _ failure: BoundedFile.Failure) -> SettingsFault {
    let hint =
      switch failure {
      case .absent: "copy Config/gateway.toml there and adapt it; --config names another place"
      case .denied: "make it readable: chgrp lumbung \(path) && chmod 640 \(path)"
      case .tooLarge: "a configuration is 1 MiB at most"
      case .notAFile, .system: "--config must name a configuration file"
      }
    return SettingsFault(file: path, line: nil, message: "can't be read: \(failure.reason)", hint: hint)
  }

  private static func lineOfInvalidByte(_ bytes: [UInt8]) -> Int {
    // Lines are valid one by one, since a line feed is no part of a longer sequence.
    for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
    where String(validating: line, as: UTF8.self) == nil {
      return index + 1
    }
    return 1
  }
}

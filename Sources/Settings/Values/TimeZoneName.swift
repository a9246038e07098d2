/// The names of the IANA zone database, as the system's copy of it has them.
enum TimeZoneName {
  static let directory = "/usr/share/zoneinfo"

  /// The zones of Indonesia, by the abbreviations that people there use.
  private static let abbreviations = ["WIB": "Asia/Jakarta", "WITA": "Asia/Makassar", "WIT": "Asia/Jayapura"]

  /// What is wrong with it, and what helps; `nil` where the system knows the zone.
  static func fault(in name: String, directory: String = TimeZoneName.directory) -> (message: String, hint: String)? {
    if name == "UTC" { return nil }
    let unknown = "\(quoted(name)) is no time zone of the IANA database"
    let example = "for example \"Asia/Jakarta\", \"Asia/Makassar\", \"Asia/Jayapura\" or \"UTC\""
    let steps = name.split(separator: "/", omittingEmptySubsequences: false)
    guard !name.isEmpty, name.utf8.count <= 64,
      steps.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isNameByte) })
    else { return (unknown, example) }
    if let zone = abbreviations[name.uppercased()] { return (unknown, "did you mean \"\(zone)\"?") }
    if isZoneFile("\(directory)/\(name)") { return nil }
    guard isZoneFile("\(directory)/UTC") || isZoneFile("\(directory)/Etc/UTC") else {
      return ("\(quoted(name)) can't be looked up: the system has no zone database", "apt install tzdata")
    }
    guard let near = nearest(to: name, directory: directory) else { return (unknown, example) }
    return (unknown, "did you mean \"\(near)\"?")
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    byte &- 48 < 10 || (byte | 0x20) &- 97 < 26 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
      || byte == UInt8(ascii: "_")
  }

  /// Zone files begin with a magic word; the lists that lie among them don't.
  private static func isZoneFile(_ path: String) -> Bool {
    // No zone of the database comes near 64 KiB.
    guard let content = try? BoundedFile.read(path, limit: 65_536) else { return false }
    return content.bytes.starts(with: "TZif".utf8)
  }

  /// From `zone.tab`, whose third column names each place's zone.
  private static func nearest(to name: String, directory: String) -> String? {
    guard let table = try? BoundedFile.read("\(directory)/zone.tab", limit: 1 << 20) else { return nil }
    let zones = String(decoding: table.bytes, as: UTF8.self).split(separator: "\n")
      .filter { !$0.hasPrefix("#") }
      .compactMap { $0.split(separator: "\t").dropFirst(2).first.map(String.init) }
    let wanted = name.lowercased()
    if let same = zones.first(where: { $0.lowercased() == wanted || $0.lowercased().hasSuffix("/" + wanted) }) {
      return same
    }
    return Suggestion.nearest(to: name, among: zones)
  }
}

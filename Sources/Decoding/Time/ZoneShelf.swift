/// Each zone once, however many sources name it.
struct ZoneShelf {
  private var zones: [String: LocalZone] = [:]

  mutating func zone(_ name: String, source: String) throws(DecoderSetupFault) -> LocalZone {
    if let known = zones[name] { return known }
    guard let zone = LocalZone(named: name) else {
      throw DecoderSetupFault(
        source: source, key: "timezone", "there is no time zone \"\(Excerpt.text(name, limit: 40))\"",
        hint: "write it as the IANA names it, Asia/Jakarta; is the package tzdata installed?")
    }
    zones[name] = zone
    return zone
  }
}

import Telemetry

/// Dates and times as devices write them.
enum ISOTime {
  /// RFC 3339, or the same without an offset: local time in `zone`, UTC where that is `nil`.
  static func parse(_ text: UnsafeRawBufferPointer, zone: LocalZone?) -> Timestamp? {
    // The longest form, with nine digits and an offset, has 35.
    guard text.count <= 40, let parts = RFC3339.parts(text) else { return nil }
    if let instant = parts.instant { return instant }
    return zone?.instant(ofLocal: parts.local) ?? parts.local
  }
}

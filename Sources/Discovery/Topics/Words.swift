/// What words of topics and keys tell.
enum Words {
  /// `rxPower_dBm-1` → rx, power, dbm: small, without digits.
  static func split(_ text: String) -> [String] {
    var words: [String] = []
    var word = ""
    var wasLower = false
    for character in text.unicodeScalars.prefix(longest) {
      guard character.properties.isAlphabetic else {
        if !word.isEmpty { words.append(word) }
        word = ""
        wasLower = false
        continue
      }
      if character.properties.isUppercase, wasLower {
        words.append(word)
        word = ""
      }
      wasLower = character.properties.isLowercase
      word += character.properties.lowercaseMapping
    }
    if !word.isEmpty { words.append(word) }
    return words
  }

  /// A level or key longer than this is text, not a name.
  private static let longest = 64

  /// Whether a level looks like one of many, rather than like the name of a kind of thing: it has a digit. `temp1` and
  /// `v2` are such names all the same.
  static func isIdentity(_ level: String) -> Bool {
    guard level.utf8.contains(where: { $0 &- 48 < 10 }), level.utf8.count <= longest else { return false }
    let stems = split(level)
    if stems.count == 1, let stem = stems.first {
      if stem == "v" || subjects.contains(stem) { return false }
    }
    return true
  }

  /// What numbered levels beside one another measure: their number is no device's.
  private static let subjects: Set<String> = [
    "temp", "temperature", "suhu", "hum", "humidity", "volt", "voltage", "current", "power", "daya", "phase", "pm",
    "co", "no", "so", "o", "rx", "tx", "fan", "sensor", "input", "output", "relay", "port", "status", "battery",
  ]

  /// Whether it names what is measured.
  static func isSubject(_ level: String) -> Bool { split(level).contains(where: subjects.contains) }

  // MARK: - Classes

  private static let cameras: Set<String> = [
    "cam", "cams", "camera", "cameras", "cctv", "kamera", "ipc", "ipcam", "nvr", "dvr", "ptz", "onvif", "frigate",
    "hikvision", "dahua", "fps", "rtsp",
  ]
  private static let videotrons: Set<String> = [
    "videotron", "videotrons", "led", "ledwall", "billboard", "falcon", "fpp", "signage", "wled", "reklame",
    "brightness", "playlist",
  ]
  private static let fiberNodes: Set<String> = [
    "fiber", "fibre", "serat", "olt", "onu", "ont", "odp", "odc", "optic", "optical", "optik", "gpon", "epon", "pon",
    "xpon", "sfp", "dbm", "ups", "nut", "octets",
  ]

  /// How many of the words speak for a class.
  static func weight(of deviceClass: DeviceClassWords, in words: some Sequence<String>) -> Int {
    let table =
      switch deviceClass {
      case .camera: cameras
      case .videotron: videotrons
      case .fiberNode: fiberNodes
      }
    return words.count { table.contains($0) }
  }

  /// The class of which these words speak, and one of them. Where two are equal, none is told.
  static func deviceClass(in words: [String]) -> (kind: DeviceClassWords, word: String)? {
    let weights = DeviceClassWords.allCases.map { ($0, weight(of: $0, in: words)) }.sorted { $0.1 > $1.1 }
    guard weights[0].1 > 0, weights[0].1 > weights[1].1 else { return nil }
    let kind = weights[0].0
    guard let word = words.first(where: { weight(of: kind, in: [$0]) > 0 }) else { return nil }
    return (kind, word)
  }

  // MARK: - Places

  /// Words after which, or in which, a place is named.
  static let places: Set<String> = [
    "site", "sites", "school", "schools", "sekolah", "sman", "smkn", "smpn", "sdn", "sma", "smk", "smp", "sd", "kec",
    "kecamatan", "desa", "kelurahan", "lokasi", "location", "gedung", "building", "kota", "city", "dinas", "kantor",
    "puskesmas", "area", "zone", "zona",
  ]
}

/// The classes that words can speak for.
enum DeviceClassWords: String, CaseIterable {
  case camera
  case videotron
  case fiberNode = "fiber-node"
}

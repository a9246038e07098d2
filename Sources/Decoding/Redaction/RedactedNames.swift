import Telemetry

/// Names of fields whose values tell of people.
struct RedactedNames: Sendable {
  enum Content {
    case text, number, boolean, structure, nothing
  }

  enum Rule {
    /// Tells who it is, in whatever form: a number, too.
    case identity
    /// Shows or describes somebody. A number is how many there were.
    case depiction
    /// The configuration names it: whatever stands there goes.
    case configured

    func cuts(_ content: Content) -> Bool {
      switch content {
      case .text, .structure: true
      case .number: self != .depiction
      case .boolean: self == .configured
      case .nothing: false
      }
    }
  }

  /// Number plates, and what identifies persons, in English and Indonesian. Words that mostly name things, such as
  /// `name`, `nama` or `id`, are not among them: see `redact` of a source.
  static let identities = [
    "plate", "plates", "plateno", "platenumber", "platetext", "platestring", "platevalue", "licenseplate",
    "licenceplate", "licenseplates", "licenseplatenumber", "licenseplatetext", "recognizedlicenseplate", "numberplate",
    "vehicleplate", "carplate", "plat", "platnomor", "nomorplat", "nomorpolisi", "nopol", "nik", "nisn", "nip",
    "personname", "personid", "fullname", "firstname", "lastname", "namalengkap", "studentname", "studentid",
    "namasiswa", "teachername", "namaguru", "visitorname", "employeename", "employeeid", "ownername", "facename",
    "faceid", "facetoken", "sublabel", "email", "emailaddress", "phonenumber", "nomorhp", "nomortelepon", "birthdate",
    "dateofbirth", "tanggallahir",
  ]
  static let depictions = [
    "face", "faces", "facedata", "faceimage", "faceembedding", "faceembeddings", "facefeature", "facefeatures",
    "facevector", "facetemplate", "facedescriptor", "facelandmarks", "wajah",
  ]
  /// What Frigate says of whom it saw, besides: `docs/formats.md` has the payloads.
  static let frigate = ["name", "description", "attribute", "metadata"]

  static let builtIn: RedactedNames = {
    var names = RedactedNames()
    for name in identities { names.add(name, .identity) }
    for name in depictions { names.add(name, .depiction) }
    return names
  }()

  private struct Entry {
    let name: [UInt8]
    let rule: Rule
  }

  /// By the names' lengths, the last for all that are longer: few of each, so that comparing is less than hashing.
  private var entries = [[Entry]](repeating: [], count: 64)
  /// For each length with which letters names begin, by the letters' lower five bits: most names are told by theirs.
  private var beginnings = [UInt32](repeating: 0, count: 64)

  init() {}

  init(of source: SourceDefinition) {
    self = .builtIn
    if source.format == "frigate" { for name in RedactedNames.frigate { add(name, .depiction) } }
    for name in source.redact { add(name, .configured) }
    for name in source.unredacted { remove(RedactedNames.plain(name)) }
  }

  private mutating func add(_ name: String, _ rule: Rule) {
    let plain = RedactedNames.plain(name)
    remove(plain)
    entries[min(plain.count, 63)].append(Entry(name: plain, rule: rule))
    if let first = plain.first { beginnings[min(plain.count, 63)] |= 1 << UInt32(first & 31) }
  }

  private mutating func remove(_ plain: [UInt8]) { entries[min(plain.count, 63)].removeAll { $0.name == plain } }

  /// No field's name is longer.
  private static let longest = 128

  /// What is done with the value of a field of this name; `nil` where it may stay.
  func rule(_ name: UnsafeRawBufferPointer) -> Rule? {
    // The shortest has three letters.
    guard name.count >= 3, name.count <= RedactedNames.longest, mayBeOne(name) else { return nil }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: RedactedNames.longest) { plain in
      var count = 0
      var last = 0
      RedactedNames.normalise(name) { byte in
        if let byte {
          plain[count] = byte
          count += 1
        } else {
          last = count
        }
      }
      return known(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(plain)[..<count]))
        ?? (last > 0 ? known(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(plain)[last..<count])) : nil)
    }
  }

  /// False only where the name can be none of these. Nothing is made to find that out.
  private func mayBeOne(_ name: UnsafeRawBufferPointer) -> Bool {
    var count = 0
    var first: UInt8 = 0
    for byte in name {
      if RedactedNames.isAlphanumeric(byte) {
        if count == 0 { first = byte }
        count += 1
      } else if byte != UInt8(ascii: "_"), byte != UInt8(ascii: "-"), byte != UInt8(ascii: " ") {
        // Of several parts, or written in a way of its own.
        return true
      }
    }
    return beginnings[min(count, 63)] & 1 << UInt32(first & 31) != 0
  }

  @inline(__always)
  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (byte | 0x20) &- UInt8(ascii: "a") < 26 || byte &- UInt8(ascii: "0") < 10
  }

  private func known(_ plain: UnsafeRawBufferPointer) -> Rule? {
    guard let first = plain.first, beginnings[min(plain.count, 63)] & 1 << UInt32(first & 31) != 0 else { return nil }
    for entry in entries[min(plain.count, 63)] where entry.name.withUnsafeBytes({ $0.equals(plain) }) {
      return entry.rule
    }
    return nil
  }

  /// A name without case and punctuation.
  static func plain(_ name: String) -> [UInt8] {
    var plain: [UInt8] = []
    Array(name.utf8).withUnsafeBytes { bytes in
      normalise(bytes) { byte in if let byte { plain.append(byte) } }
    }
    return plain
  }

  /// - Parameter take: gets each byte that counts, and `nil` where a part of the name ends.
  @inline(__always)
  private static func normalise(_ name: UnsafeRawBufferPointer, _ take: (UInt8?) -> Void) {
    var at = 0
    while at < name.count {
      var byte = name[at]
      at += 1
      if byte == UInt8(ascii: "\\"), at < name.count {
        // JSON may write any letter as an escape.
        byte = 0
        if name[at] == UInt8(ascii: "u"), at + 4 < name.count {
          let value = name[(at + 1)...(at + 4)].reduce(0 as UInt32) { $0 << 4 | hexValue($1) }
          byte = value < 0x80 ? UInt8(value) : 0
          at += 5
        } else {
          at += 1
        }
      }
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): take(byte | 0x20)
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...: take(byte)
      case UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: ":"): take(nil)
      default: break
      }
    }
  }

  private static func hexValue(_ byte: UInt8) -> UInt32 {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - 0x30)
    case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32((byte | 0x20) - 0x57)
    default: 0xff
    }
  }
}

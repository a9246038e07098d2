import Telemetry

extension TableReader {
  /// Any string, also an empty one.
  func string(_ key: String, example: String) -> String? {
    guard let node = entry(key) else { return nil }
    guard case .string(let text) = node.value else {
      wrongType(key, node, expected: "a string", example: quoted(example))
      return nil
    }
    return text
  }

  /// A string with something in it, no control characters, and not absurdly long.
  func text(_ key: String, example: String, longest: Int = 1024) -> String? {
    guard let text = string(key, example: example) else { return nil }
    guard !text.isEmpty, text.utf8.count <= longest, !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
      let why = text.isEmpty ? "is empty" : "is longer than \(longest) bytes, or holds control characters"
      fault("`\(key)` in \(title) \(why)", at: key, hint: "for example \(key) = \(quoted(example))")
      return nil
    }
    return text
  }

  /// A unit of UCUM. One with a space in it is told, and given back all the same.
  func unit(_ key: String) -> String? {
    let unit = text(key, example: "1/s", longest: 64)
    if let unit, unit.contains(" ") {
      fault(
        "`\(key)` in \(title): \(quoted(unit)) is no unit of UCUM, which have no spaces", at: key,
        hint: "for example \"1/s\", \"Cel\", \"dBm\", \"By\", \"%\"")
    }
    return unit
  }

  func boolean(_ key: String) -> Bool? {
    guard let node = entry(key) else { return nil }
    guard case .boolean(let value) = node.value else {
      wrongType(key, node, expected: "true or false, without quotes", example: "true")
      return nil
    }
    return value
  }

  func integer(_ key: String, in range: ClosedRange<Int>, example: Int) -> Int? {
    guard let node = entry(key) else { return nil }
    guard case .integer(let value) = node.value else {
      wrongType(key, node, expected: "a whole number, without quotes", example: String(example))
      return nil
    }
    guard range.contains(value) else {
      fault(
        "`\(key)` in \(title) is \(value)", at: key, hint: "it goes from \(range.lowerBound) to \(range.upperBound)")
      return nil
    }
    return value
  }

  /// Whole or not; finite.
  func number(_ key: String, example: Double) -> Double? {
    guard let node = entry(key) else { return nil }
    switch node.value {
    case .integer(let value): return Double(value)
    case .float(let value):
      if value.isFinite { return value }
      fault("`\(key)` in \(title) must be a finite number", at: key, hint: "for example \(key) = \(example)")
    default: wrongType(key, node, expected: "a number, without quotes", example: String(example))
    }
    return nil
  }

  /// One of an enumeration's words.
  func choice<Choice: RawRepresentable<String> & CaseIterable>(_ key: String, _ type: Choice.Type) -> Choice? {
    let words = Choice.allCases.map(\.rawValue)
    guard let text = string(key, example: words.first ?? "") else { return nil }
    if let choice = Choice(rawValue: text) { return choice }
    let list = words.map { "\"\($0)\"" }.joined(separator: ", ")
    let near = Suggestion.nearest(to: text, among: words).map { "did you mean \"\($0)\"? " } ?? ""
    fault("\(quoted(text)) is no `\(key)`", at: key, hint: "\(near)one of \(list)")
    return nil
  }

  func span(_ key: String, in range: ClosedRange<Span>, example: String) -> Span? {
    guard let node = entry(key) else { return nil }
    return span(key, node, in: range, example: example)
  }

  /// One duration, or a list of them.
  func spans(_ key: String, in range: ClosedRange<Span>, example: String) -> [(span: Span, line: Int?)] {
    guard let node = entry(key) else { return [] }
    guard case .array(let items) = node.value else {
      return span(key, node, in: range, example: example).map { [($0, node.line)] } ?? []
    }
    if items.isEmpty {
      fault("`\(key)` in \(title) is an empty list", at: key, hint: "for example \(key) = \(quoted(example))")
    }
    return items.compactMap { item in
      span(key, item, in: range, example: example).map { ($0, item.line) }
    }
  }

  private func span(_ key: String, _ node: Node, in range: ClosedRange<Span>, example: String) -> Span? {
    guard case .string(let text) = node.value else {
      wrongType(key, node, expected: "a duration in quotes", example: quoted(example))
      return nil
    }
    guard let span = Span(text) else {
      collector.add(
        "`\(key)` in \(title): \(quoted(text)) is no duration", line: node.line,
        hint: "a number and a unit without a space: 200ms, 30s, 5m, 24h, 7d; for example \(key) = \(quoted(example))")
      return nil
    }
    guard range.contains(span) else {
      collector.add(
        "`\(key)` in \(title) is \(span)", line: node.line,
        hint: "it goes from \(range.lowerBound) to \(range.upperBound)")
      return nil
    }
    return span
  }

  func size(_ key: String, atLeast least: ByteSize, example: String) -> ByteSize? {
    guard let node = entry(key) else { return nil }
    guard case .string(let text) = node.value else {
      wrongType(key, node, expected: "a size in quotes", example: quoted(example))
      return nil
    }
    guard let size = ByteSize(text) else {
      fault(
        "`\(key)` in \(title): \(quoted(text)) is no size", at: key,
        hint: "a number and a unit without a space: 512MiB, 4GiB; for example \(key) = \(quoted(example))")
      return nil
    }
    guard size >= least else {
      fault("`\(key)` in \(title) is \(size)", at: key, hint: "at least \(least) are needed")
      return nil
    }
    return size
  }

  /// A path; what it names is looked at only where the whole configuration is right.
  func file(_ key: String, _ content: NamedFile.Content, example: String) -> String? {
    guard let path = text(key, example: example, longest: 4096) else { return nil }
    collector.add(NamedFile(path: path, key: key, line: line(of: key), content: content))
    return path
  }

  func glob(_ key: String, example: String) -> Glob? { text(key, example: example).map(Glob.init) }

  func zone(_ key: String) -> String? {
    guard let name = string(key, example: "Asia/Jakarta") else { return nil }
    if let wrong = TimeZoneName.fault(in: name) {
      fault("`\(key)` in \(title): \(wrong.message)", at: key, hint: wrong.hint)
      return nil
    }
    return name
  }

  /// A JSON Pointer, `""` (the whole payload) included.
  func pointer(_ key: String, example: String) -> String? {
    guard let text = string(key, example: example) else { return nil }
    if let wrong = JSONPointer.fault(in: text) {
      fault(
        "`\(key)` in \(title): \(wrong.message)", at: key,
        hint: wrong.meant.map { "did you mean \(quoted($0))?" } ?? "for example \(key) = \(quoted(example))")
      return nil
    }
    return text
  }

  /// The URL of a service, its parts checked; credentials in it are refused.
  func url(_ key: String, schemes: [String], example: String) -> (text: String, parts: ServiceURL)? {
    guard let text = string(key, example: example) else { return nil }
    let hint: String
    do throws(ServiceURL.Fault) {
      let parts = try ServiceURL(text)
      if schemes.contains(parts.scheme) { return (text, parts) }
      let list = schemes.map { $0 + "://" }.joined(separator: " or ")
      fault("`\(key)` in \(title): \(quoted(text)) doesn't begin with \(list)", at: key, hint: "for example \(example)")
      return nil
    } catch {
      switch error {
      case .credentials:
        fault(
          "`\(key)` in \(title) names a user: credentials never stand in a URL", at: key,
          hint: "leave out what stands before the @, and name a file with the secret instead")
        return nil
      case .noScheme: hint = "for example \(example)"
      case .badHost: hint = "after :// must stand a host, and perhaps a port from 1 to 65535; for example \(example)"
      case .fragment: hint = "leave out the # and what follows it"
      case .strayCharacter: hint = "a URL has no spaces and only ASCII characters; for example \(example)"
      }
    }
    fault("`\(key)` in \(title): \(quoted(text)) is no URL that can be used", at: key, hint: hint)
    return nil
  }

  /// A name that must not occur twice; `taken` says where it did before.
  func name(_ example: String, _ taken: inout [String: Int?]) -> String? {
    require("name", example: quoted(example))
    guard let name = text("name", example: example, longest: 64) else { return nil }
    if let first = taken[name] {
      let place = first.map { " in line \($0)" } ?? ""
      fault(
        "the name \(quoted(name)) is taken already by the \(title)\(place)", at: "name", hint: "names must differ")
      return nil
    }
    taken[name] = .some(line(of: "name"))
    return name
  }
}

/// Reads small XML documents as a tree of objects: an element with children or attributes is an object, one with text
/// alone a text; elements of one name are an array; an attribute is a member `@name`, text beside children the member `#text`. The
/// root element itself is the tree's root; prefixes of namespaces are left out.
///
/// No document types and no entities but the five that XML brings along: nothing can grow.
struct XMLReader {
  let limits: DecodingLimits

  private indirect enum Node {
    case text([UInt8])
    case element([(name: [UInt8], node: Node)])
  }

  private struct State {
    let bytes: UnsafeRawBufferPointer
    var at = 0
    var nodes = 0

    var peek: UInt8? { at < bytes.count ? bytes[at] : nil }
    func sees(_ text: StaticString) -> Bool {
      let end = at + text.utf8CodeUnitCount
      return end <= bytes.count && UnsafeRawBufferPointer(rebasing: bytes[at..<end]).equals(text)
    }
    mutating func skipSpace() { while let byte = peek, byte.isWhite { at += 1 } }
    func fault(_ reason: String) -> DecodingFault { DecodingFault(byte: at, reason) }
  }

  func read(_ payload: UnsafeRawBufferPointer, _ tape: TapeBuilder) throws(DecodingFault) -> JSONValue {
    var state = State(bytes: payload)
    try skipProlog(&state)
    let (_, node) = try element(&state, depth: 0)
    try skipProlog(&state)
    guard state.at == payload.count else { throw state.fault("text after the end of the document") }
    tape.begin()
    write(node, tape)
    return tape.root
  }

  private func write(_ node: Node, _ tape: TapeBuilder) {
    switch node {
    case .text(let bytes): tape.text(bytes)
    case .element(let members):
      tape.object {
        // By name in the order of their first, so that many elements cost no more than their number.
        var places: [[UInt8]: Int] = [:]
        var grouped: [(name: [UInt8], nodes: [Node])] = []
        for member in members {
          if let place = places[member.name] {
            grouped[place].nodes.append(member.node)
          } else {
            places[member.name] = grouped.count
            grouped.append((member.name, [member.node]))
          }
        }
        for (name, nodes) in grouped {
          tape.text(name)
          if nodes.count == 1 { write(nodes[0], tape) } else { tape.array { for node in nodes { write(node, tape) } } }
        }
      }
    }
  }

  /// White space, the declaration, comments.
  private func skipProlog(_ state: inout State) throws(DecodingFault) {
    while true {
      state.skipSpace()
      if state.sees("<?") {
        try skip(&state, past: "?>")
      } else if state.sees("<!--") {
        try skip(&state, past: "-->")
      } else if state.sees("<!") {
        throw state.fault("a document type is not read")
      } else {
        return
      }
    }
  }

  private func skip(_ state: inout State, past end: StaticString) throws(DecodingFault) {
    while !state.sees(end) {
      guard state.peek != nil else { throw state.fault("ends inside a comment or declaration") }
      state.at += 1
    }
    state.at += end.utf8CodeUnitCount
  }

  private func name(_ state: inout State) throws(DecodingFault) -> [UInt8] {
    let start = state.at
    while let byte = state.peek, !byte.isWhite, !"<>/=\"'".utf8.contains(byte) { state.at += 1 }
    guard state.at > start else { throw state.fault("a name should stand here") }
    let name = state.bytes[start..<state.at]
    guard let colon = name.lastIndex(of: UInt8(ascii: ":")) else { return Array(name) }
    return Array(name[(colon + 1)...])
  }

  private func element(_ state: inout State, depth: Int) throws(DecodingFault) -> (name: [UInt8], node: Node) {
    guard depth < limits.nesting else {
      throw DecodingFault(
        byte: state.at, "more than \(limits.nesting) elements inside one another", limit: .nesting)
    }
    state.nodes += 1
    guard state.nodes <= limits.fields else {
      throw DecodingFault(payload: "more than \(limits.fields) values", limit: .fields)
    }
    guard state.peek == UInt8(ascii: "<") else { throw state.fault("an element should stand here") }
    state.at += 1
    let name = try name(&state)
    var members: [(name: [UInt8], node: Node)] = []
    while true {
      state.skipSpace()
      guard let byte = state.peek else { throw state.fault("ends inside a tag") }
      if state.sees("/>") {
        state.at += 2
        return (name, members.isEmpty ? .text([]) : .element(members))
      }
      if byte == UInt8(ascii: ">") { break }
      let (attribute, value) = try attribute(&state)
      // A namespace is no value.
      if attribute != Array("@xmlns".utf8) { members.append((attribute, .text(value))) }
    }
    state.at += 1
    var text: [UInt8] = []
    while true {
      guard let byte = state.peek else { throw state.fault("ends inside an element") }
      if state.sees("</") {
        state.at += 2
        guard try self.name(&state) == name else { throw state.fault("another element's end") }
        state.skipSpace()
        guard state.peek == UInt8(ascii: ">") else { throw state.fault("a tag should end here") }
        state.at += 1
        break
      } else if state.sees("<!--") {
        try skip(&state, past: "-->")
      } else if byte == UInt8(ascii: "<") {
        members.append(try element(&state, depth: depth + 1))
      } else {
        try character(&state, &text)
      }
    }
    let trimmed = text.withUnsafeBytes { Array($0.trimmed) }
    if members.isEmpty { return (name, .text(trimmed)) }
    if !trimmed.isEmpty { members.append((Array("#text".utf8), .text(trimmed))) }
    return (name, .element(members))
  }

  private func attribute(_ state: inout State) throws(DecodingFault) -> ([UInt8], [UInt8]) {
    state.nodes += 1
    guard state.nodes <= limits.fields else {
      throw DecodingFault(payload: "more than \(limits.fields) values", limit: .fields)
    }
    // `xmlns:x` is a namespace like `xmlns`.
    let isNamespace = state.sees("xmlns")
    let name = isNamespace ? Array("xmlns".utf8) : []
    let written = try self.name(&state)
    state.skipSpace()
    guard state.peek == UInt8(ascii: "=") else { throw state.fault("= should follow the attribute's name") }
    state.at += 1
    state.skipSpace()
    guard let quote = state.peek, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
      throw state.fault("a quote should stand here")
    }
    state.at += 1
    var value: [UInt8] = []
    while state.peek != quote {
      guard state.peek != nil else { throw state.fault("ends inside an attribute") }
      try character(&state, &value)
    }
    state.at += 1
    return ([UInt8(ascii: "@")] + (isNamespace ? name : written), value)
  }

  private static let entities: [(name: StaticString, byte: UInt8)] = [
    ("&lt;", 0x3c), ("&gt;", 0x3e), ("&amp;", 0x26), ("&quot;", 0x22), ("&apos;", 0x27),
  ]

  private func character(_ state: inout State, _ text: inout [UInt8]) throws(DecodingFault) {
    guard let byte = state.peek else { return }
    if byte == UInt8(ascii: "&") {
      guard let entity = XMLReader.entities.first(where: { state.sees($0.name) }) else {
        throw state.fault("an entity that is not read")
      }
      text.append(entity.byte)
      state.at += entity.name.utf8CodeUnitCount
    } else {
      text.append(byte)
      state.at += 1
    }
  }
}

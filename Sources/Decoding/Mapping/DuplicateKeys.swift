/// Finds a key that stands twice in one object.
enum DuplicateKeys {
  /// The JSON Pointer of the first one; `nil` where there is none.
  static func first(in value: JSONValue, path: String = "") -> String? {
    switch value.kind {
    case .object:
      var at = value.index + 1
      var seen: [UnsafeRawBufferPointer] = []
      var set: Set<String>?
      while at < value.end {
        let key = value.at(at).text
        let member = value.at(at + 1)
        // Looking back at each of many keys would take too long.
        if seen.count == 32, set == nil { set = Set(seen.map { String(utf8: $0) }) }
        let isNew = set?.insert(String(utf8: key)).inserted ?? !seen.contains { $0.equals(key) }
        let place = "\(path)/\(JSONPointer.escape(String(utf8: key)))"
        guard isNew else { return place }
        if set == nil { seen.append(key) }
        if member.kind == .object || member.kind == .array, let found = first(in: member, path: place) { return found }
        at = member.next
      }
    case .array:
      for (index, element) in value.elements.enumerated() where element.kind == .object || element.kind == .array {
        if let found = first(in: element, path: "\(path)/\(index)") { return found }
      }
    default: break
    }
    return nil
  }
}

import Telemetry

/// A template that may name captures and places in the payload: `{camera}`, `{/label}`.
struct MappingTemplate {
  private let template: Template
  private let pointers: [(name: String, pointer: JSONPointer)]

  /// `nil` where a place in it is no pointer.
  init?(_ template: Template) {
    self.template = template
    var pointers: [(String, JSONPointer)] = []
    for name in template.captureNames where name.hasPrefix("/") {
      guard let pointer = JSONPointer(name) else { return nil }
      pointers.append((name, pointer))
    }
    self.pointers = pointers
  }

  /// Whether it needs no payload.
  var isStatic: Bool { pointers.isEmpty }

  /// Whether the text is always the same.
  var isConstant: Bool { template.captureNames.isEmpty }

  /// `nil` where something that it names is not there.
  func fill(_ scope: MappingScope, for use: String) -> String? {
    guard !pointers.isEmpty else { return template.fill(scope.captures) }
    var all = scope.captures
    for (name, pointer) in pointers { all[name] = scope.word(at: pointer, name, for: use) }
    return template.fill(all)
  }

  func fill(_ captures: [String: String]) -> String? { template.fill(captures) }
}

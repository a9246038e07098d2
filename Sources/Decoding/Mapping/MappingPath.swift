import Telemetry

/// A pointer with captures: reaches things, and names them.
struct MappingPath {
  private enum Step {
    case token([UInt8], String)
    case capture(String)
  }

  private let steps: [Step]

  /// `nil` where the text is no pointer.
  init?(_ text: String) {
    guard let pointer = JSONPointer(text) else { return nil }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
    steps = zip(pointer.tokens, parts).map { token, part in
      MessageRule.capture(part).map(Step.capture) ?? .token(token, "/" + part)
    }
  }

  func each(in scope: MappingScope, _ body: (MappingScope) -> Void) { visit(scope, 0, body) }

  private func visit(_ scope: MappingScope, _ step: Int, _ body: (MappingScope) -> Void) {
    guard step < steps.count else { return body(scope) }
    func go(_ value: JSONValue, _ token: String, _ capture: (String, String)?) {
      var captures = scope.captures
      if let (name, value) = capture { captures[name] = value }
      visit(
        MappingScope(value: value, path: scope.path + token, captures: captures, message: scope.message), step + 1, body
      )
    }
    switch steps[step] {
    case .token(let token, let text):
      if let next = scope.value.resolve(JSONPointer(token: token)) { go(next, text, nil) }
    case .capture(let name):
      switch scope.value.kind {
      case .object:
        for (key, value) in scope.value.members {
          let key = String(utf8: UnsafeRawBufferPointer(rebasing: key.prefix(scope.message.limits.textBytes)))
          go(value, "/" + JSONPointer.escape(key), (name, key))
        }
      case .array:
        for (index, value) in scope.value.elements.enumerated() { go(value, "/\(index)", (name, String(index))) }
      default: break
      }
    }
  }
}

/// Where a value stands in a document: `source`, 1, `metric`, 0, `path`.
struct DocumentPath: Hashable {
  enum Step: Hashable {
    case key(String)
    case index(Int)
  }

  private(set) var steps: [Step] = []

  static func + (path: DocumentPath, step: Step) -> DocumentPath {
    var longer = path
    longer.steps.append(step)
    return longer
  }

  var depth: Int { steps.count }
}

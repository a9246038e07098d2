import Telemetry

/// What the payloads of one topic look like.
struct TopicFacts {
  enum Form: Hashable {
    case document, influx, number, word, markup, text, binary, nothing
  }

  /// That of most of its samples.
  let form: Form
  /// Whether all samples agree, and there are several.
  let isCertain: Bool
  /// Of a document: its leaves' paths in the first sample that could be read.
  let paths: Set<String>
  /// Words of a small document that tell formats apart, such as the value of `/method`.
  let words: [String: String]
  /// Of markup: its beginning.
  let head: String

  /// One value a topic is shorter; what is longer is a document of an unknown kind.
  private static let longestWord = 256
  private static let headLength = 200
  /// Of several that are as frequent the first counts.
  private static let order: [Form] = [.document, .influx, .number, .word, .markup, .text, .binary]

  init(_ topic: HeardTopic, reader: inout PayloadReader) {
    var forms: [Form: Int] = [:]
    var paths: Set<String> = []
    var words: [String: String] = [:]
    var head = ""
    for sample in topic.samples {
      let form: Form
      switch sample.payload.withUnsafeBytes({ PayloadKind($0) }) {
      case .empty: continue
      case .binary: form = .binary
      case .document:
        if let leaves = reader.leaves(sample.payload, at: sample.receivedAt) {
          form = .document
          if paths.isEmpty {
            for leaf in leaves {
              paths.insert(leaf.path)
              if case .word(let word) = leaf.value { words[leaf.path] = word }
            }
          }
        } else {
          form = .nothing
        }
      case .markup:
        form = .markup
        if head.isEmpty { head = String(sample.text.prefix(TopicFacts.headLength)) }
      case .text:
        let text = sample.text
        if Quantity(text) != nil {
          form = .number
        } else if InfluxLine.isOne(text) {
          form = .influx
        } else {
          form = text.utf8.count <= TopicFacts.longestWord ? .word : .text
        }
      }
      forms[form, default: 0] += 1
    }
    let broken = forms.removeValue(forKey: .nothing) ?? 0
    var best = topic.binary > 0 || topic.oversized > 0 ? Form.binary : .nothing
    var count = 0
    for (form, number) in TopicFacts.order.map({ ($0, forms[$0] ?? 0) }) where number > count {
      best = form
      count = number
    }
    form = best
    isCertain = forms.count == 1 && broken == 0 && topic.samples.count > 1
    self.paths = form == .document ? paths : []
    self.words = form == .document ? words : [:]
    self.head = head
  }

  func has(_ path: String) -> Bool { paths.contains(path) }
  func has(beneath path: String) -> Bool { paths.contains { $0.hasPrefix(path + "/") } }

  /// Keys of the outermost object.
  var keys: [String] {
    Set(paths.compactMap { $0.split(separator: "/", maxSplits: 1).first.map(String.init) }).sorted()
  }

  /// How two topics' payloads are compared.
  var look: String {
    switch form {
    case .document: "{" + keys.prefix(16).joined(separator: ",")
    case .influx: "influx"
    case .number: "number"
    case .word: "word"
    case .markup: "markup"
    case .text, .binary, .nothing: ""
    }
  }
}

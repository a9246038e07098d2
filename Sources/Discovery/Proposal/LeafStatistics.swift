import Telemetry

/// What was seen at one place of the documents of one kind, or of the payloads of one kind of scalar topics.
struct LeafStatistics {
  private(set) var numbers = 0
  private(set) var words = 0
  /// Of both, those that were written as texts.
  private(set) var texts = 0
  private(set) var lowest = Double.infinity
  private(set) var highest = -Double.infinity
  private(set) var unit = ""
  /// A few different words.
  private(set) var vocabulary: Set<String> = []
  private(set) var example = ""
  /// Topics on which it never fell and rose at least twice; and on which it fell.
  private(set) var rising = 0
  private(set) var falling = 0
  private(set) var isWhole = true
  private var previous: (topic: Int, value: Double, rises: Int)?

  private static let vocabularyKept = 12

  /// Those of a topic come one after the other, in their order.
  mutating func add(_ leaf: PayloadReader.Leaf.Value, topic: Int) {
    let quantity: Quantity?
    switch leaf {
    case .number(let number): quantity = Quantity(value: number, unit: "")
    case .word(let word):
      quantity = Quantity(word)
      texts += 1
    }
    guard let quantity else {
      guard case .word(let word) = leaf else { return }
      words += 1
      if example.isEmpty { example = word }
      if vocabulary.count < LeafStatistics.vocabularyKept { vocabulary.insert(word) }
      return
    }
    numbers += 1
    if unit.isEmpty { unit = quantity.unit }
    if example.isEmpty { example = "\(quantity.value)" }
    lowest = min(lowest, quantity.value)
    highest = max(highest, quantity.value)
    if quantity.value != quantity.value.rounded() { isWhole = false }
    follow(quantity.value, topic)
  }

  private mutating func follow(_ value: Double, _ topic: Int) {
    guard var last = previous, last.topic == topic else {
      previous = (topic, value, 0)
      return
    }
    if value < last.value {
      falling += 1
    } else if value > last.value {
      last.rises += 1
      if last.rises == 2 { rising += 1 }
    }
    previous = (topic, value, last.rises)
  }

  var count: Int { numbers + words }
  var isNumber: Bool { numbers > words }
  /// Only grew wherever it was heard often enough.
  var onlyGrew: Bool { rising > 0 && falling * 10 <= rising }

  /// All words are those by which devices say that they are there or gone.
  var saysAvailability: Bool {
    !vocabulary.isEmpty && words >= numbers && vocabulary.allSatisfy { LeafStatistics.there.contains($0.lowercased()) }
  }

  private static let there: Set<String> = [
    "online", "offline", "connected", "disconnected", "up", "down", "alive", "dead", "available", "unavailable", "true",
    "false", "on", "off", "yes", "no", "ready", "lost", "degraded", "stopped",
  ]
}

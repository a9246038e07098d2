/// What a topic and its payloads say of a format: which one, and how far it reaches.
struct Mark: Hashable {
  enum Reach: Hashable {
    /// All beneath the head.
    case beneath
    /// All beneath this very head: what is beneath another one like it means something else.
    case here
    /// The head, these levels, and all beneath them. An empty one stands for a device's level.
    case through([String])
    /// The head, and a last level of Tasmota's.
    case kinds
    /// Topics of this shape alone.
    case alike
  }

  let format: String
  /// Levels that stand before what is the format's own.
  let head: [String]
  let reach: Reach
  /// What it was recognised by, for people.
  let reason: String

  init(_ format: String, head: some Sequence<String>, _ reach: Reach, _ reason: String) {
    self.format = format
    self.head = Array(head)
    self.reach = reach
    self.reason = reason
  }
}

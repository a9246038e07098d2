/// Which filters are to be subscribed and unsubscribed, so that the broker's session holds just the wanted ones.
struct SubscriptionPlan: Hashable, Sendable {
  struct Changes: Hashable, Sendable {
    var subscribe: [String] = []
    var unsubscribe: [String] = []
  }

  private(set) var wanted: [String]
  /// What this process asked the present session for and wasn't refused, or can't know.
  private var asked: Set<String> = []
  private var granted: Set<String> = []

  init(wanted: [String]) { self.wanted = wanted }

  /// A connection was accepted.
  ///
  /// Under MQTT 5 everything is subscribed again, since Retain Handling 1 keeps the retained messages back. MQTT 3.1.1
  /// would send them all again: there, only what isn't known to be granted.
  mutating func connected(sessionPresent: Bool, version: ProtocolVersion) -> Changes {
    if !sessionPresent {
      asked.removeAll()
      granted.removeAll()
    }
    let kept = granted
    return note(version == .v5 ? wanted : wanted.filter { !kept.contains($0) })
  }

  /// Other filters are wanted. The changes are for a connection that is open; otherwise the next one makes them.
  mutating func want(_ filters: [String]) -> Changes {
    wanted = filters
    let known = asked
    return note(filters.filter { !known.contains($0) })
  }

  mutating func subscribed(_ filter: String) { granted.insert(filter) }

  mutating func refused(_ filter: String) {
    asked.remove(filter)
    granted.remove(filter)
  }

  mutating func unsubscribed(_ filter: String) {
    guard !wanted.contains(filter) else { return }
    asked.remove(filter)
    granted.remove(filter)
  }

  private mutating func note(_ subscribe: [String]) -> Changes {
    let unsubscribe = asked.subtracting(wanted).sorted()
    asked.formUnion(subscribe)
    return Changes(subscribe: subscribe, unsubscribe: unsubscribe)
  }
}

/// From an earlier program's schema to the present one, as one step.
struct Migration {
  let before: StoreSchema
  /// At the end of a run that nothing interrupted.
  let after: StoreSchema

  enum Side: String {
    case before = "in the old schema"
    case after = "in the new schema"
  }

  func side(_ found: StoreSchema) -> Side { found.version == before.version ? .before : .after }

  /// What is found in a crash's midst is either the old schema or the new one, whole.
  func faults(_ found: StoreSchema) -> [String] {
    switch found.version {
    case before.version:
      return found == before ? [] : ["schema \(found.version) is not whole: \(difference(found, before.tables.keys))"]
    case after.version:
      // Tables that are no part of the outbox's own are made in the next transaction.
      let expected = after.tables.keys.filter { $0.hasPrefix("outbox_") || before.tables[$0] != nil }
      let isWhole =
        expected.allSatisfy { found.tables[$0] != nil } && found.tables.allSatisfy { after.tables[$0.key] == $0.value }
      return isWhole ? [] : ["schema \(found.version) is not whole: \(difference(found, expected))"]
    default:
      return ["schema \(found.version) is neither the old nor the new one"]
    }
  }

  private func difference(_ found: StoreSchema, _ expected: some Sequence<String>) -> [String] {
    Set(found.tables.keys).symmetricDifference(expected).sorted()
  }
}

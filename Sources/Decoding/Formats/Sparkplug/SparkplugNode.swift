import Telemetry

/// What is known of an edge node between its birth and its death.
final class SparkplugNode {
  struct Known {
    let name: String
    let datatype: UInt64?
  }

  private(set) var isBorn = false
  private(set) var bdSeq: UInt64?
  private var lastSeq: UInt64?
  private var byAlias: [UInt64: Known] = [:]
  private var typeByName: [String: UInt64] = [:]
  /// Devices behind it that were born, by their names in the topic.
  var devices: [String: Device] = [:]

  func born(bdSeq: UInt64?, seq: UInt64?) {
    isBorn = true
    self.bdSeq = bdSeq
    lastSeq = seq
    byAlias.removeAll()
    typeByName.removeAll()
  }

  func died() {
    isBorn = false
    lastSeq = nil
  }

  /// Births name aliases and data types; `false` where there are more than `limit`.
  func learn(_ name: String, alias: UInt64?, datatype: UInt64?, limit: Int) -> Bool {
    guard typeByName.count < limit || typeByName[name] != nil else { return false }
    typeByName[name] = datatype ?? 0
    if let alias { byAlias[alias] = Known(name: name, datatype: datatype) }
    return true
  }

  func known(alias: UInt64) -> Known? { byAlias[alias] }
  func datatype(of name: String) -> UInt64? { typeByName[name] }

  /// Counts `seq` on; the number that was expected, where another one came. It goes from 0 to 255 and round.
  func gap(_ seq: UInt64?) -> UInt64? {
    guard let seq else { return nil }
    defer { lastSeq = seq & 255 }
    guard let lastSeq, isBorn else { return nil }
    let expected = (lastSeq + 1) & 255
    return seq == expected ? nil : expected
  }
}

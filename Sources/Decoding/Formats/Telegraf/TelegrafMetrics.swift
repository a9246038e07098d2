import Telemetry

/// What `format = "telegraf"` emits. The device is a tag of the point: `agent_host`, `sysName`, `source`, `url`,
/// `host`, in this order, else the topic. Other tags become labels; those that name an interface (`ifName`,
/// `ifDescr`, `ifIndex`) become `interface`.
enum TelegrafMetrics {
  static let io = CatalogueEntry(
    "hw.network.io", "By", .counter, "octets; labels interface and direction (receive, transmit)")
  static let packets = CatalogueEntry(
    "hw.network.packets", "{packet}", .counter, "packets; labels interface, direction and type")
  static let errors = CatalogueEntry("hw.errors", "{error}", .counter, "packets in error; labels interface, direction")
  static let discards = CatalogueEntry(
    "hw.network.discards", "{packet}", .counter, "packets discarded; labels interface, direction")
  static let bandwidth = CatalogueEntry(
    "hw.network.bandwidth.limit", "By/s", .gauge, "speed of an interface; label interface")
  static let operStatus = CatalogueEntry(
    "interface.oper_status", "1", .state,
    "up, down, testing, unknown, dormant, not_present or lower_layer_down; label interface")
  static let adminStatus = CatalogueEntry(
    "interface.admin_status", "1", .state, "up, down or testing; label interface")
  static let inputPower = CatalogueEntry("optical.input-power", "dBm", .gauge, "light received")
  static let outputPower = CatalogueEntry("optical.output-power", "dBm", .gauge, "light sent")
  static let batteryCharge = CatalogueEntry("battery.charge", "1", .gauge, "charge of a battery, 0 to 1")
  static let batteryTime = CatalogueEntry("battery.time_left", "s", .gauge, "time that a battery will last")
  static let number = CatalogueEntry(
    "{measurement}.{field}", "1", .gauge, "a number that has no rule; the tags are labels")
  static let word = CatalogueEntry(
    "{measurement}.{field}", "1", .state, "a text, or true or false; the tags are labels")

  static let all: [CatalogueEntry] = [
    SharedMetrics.availability, io, packets, errors, discards, bandwidth, operStatus, adminStatus, inputPower,
    outputPower, batteryCharge,
    batteryTime, number, word,
  ]

  struct Rule {
    let entry: CatalogueEntry
    var labels: [Series.Label] = []
    var scale: Double = 1
    /// Goes before another field of the same line that says the same with fewer bits.
    var isWide = false
  }

  /// By the field's name in small letters, with `_` for `-`.
  static let rules: [String: Rule] = {
    var rules: [String: Rule] = [:]
    for (word, direction, old) in [("in", "receive", "recv"), ("out", "transmit", "sent")] {
      let label = [Series.Label("direction", direction)]
      rules["if\(word)octets"] = Rule(entry: io, labels: label)
      rules["ifhc\(word)octets"] = Rule(entry: io, labels: label, isWide: true)
      rules["\(word)_octets"] = Rule(entry: io, labels: label)
      rules["bytes_\(old)"] = Rule(entry: io, labels: label)
      rules["packets_\(old)"] = Rule(entry: packets, labels: label)
      rules["\(word)_pkts"] = Rule(entry: packets, labels: label)
      for (short, type) in [
        ("ucast", "unicast"), ("nucast", "non-unicast"), ("multicast", "multicast"), ("broadcast", "broadcast"),
      ] {
        let labels = label + [Series.Label("type", type)]
        rules["if\(word)\(short)pkts"] = Rule(entry: packets, labels: labels)
        rules["ifhc\(word)\(short)pkts"] = Rule(entry: packets, labels: labels, isWide: true)
        rules["\(word)_\(type)_pkts"] = Rule(entry: packets, labels: labels)
      }
      for name in ["if\(word)errors", "\(word)_errors", "err_\(word)"] {
        rules[name] = Rule(entry: errors, labels: label)
      }
      for name in ["if\(word)discards", "\(word)_discards", "drop_\(word)"] {
        rules[name] = Rule(entry: discards, labels: label)
      }
    }
    rules["ifspeed"] = Rule(entry: bandwidth, scale: 1 / 8.0)
    rules["ifhighspeed"] = Rule(entry: bandwidth, scale: 1e6 / 8, isWide: true)
    for name in ["ifoperstatus", "oper_status"] { rules[name] = Rule(entry: operStatus) }
    for name in ["ifadminstatus", "admin_status"] { rules[name] = Rule(entry: adminStatus) }
    for name in ["input_power_instant", "input_power/instant"] { rules[name] = Rule(entry: inputPower) }
    for name in ["output_power_instant", "output_power/instant"] { rules[name] = Rule(entry: outputPower) }
    rules["battery_charge_percent"] = Rule(entry: batteryCharge, scale: 0.01)
    rules["time_left_ns"] = Rule(entry: batteryTime, scale: 1e-9)
    return rules
  }()

  /// IF-MIB's numbers, and the words of OpenConfig.
  static func interfaceStatus(_ number: Double) -> String? {
    let words = ["up", "down", "testing", "unknown", "dormant", "not_present", "lower_layer_down"]
    guard let index = Int(exactly: number), (1...words.count).contains(index) else { return nil }
    return words[index - 1]
  }
}

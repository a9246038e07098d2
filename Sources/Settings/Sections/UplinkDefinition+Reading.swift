import Telemetry

extension UplinkDefinition {
  /// `nil` where a fault was told that leaves nothing to work with.
  init?(reading table: TableReader, names: inout [String: Int?]) {
    let name = table.name("central", &names)
    let transport = table.choice("type", Transport.self) ?? .http
    let example = transport == .mqtt ? "mqtts://central.example.go.id" : "https://central.example.go.id"
    table.require("url", example: quoted(example))
    let urls = UplinkDefinition.urls(table, transport, example: example)
    let tokenFile =
      transport == .mqtt ? nil : table.file("token_file", .secret, example: "/etc/lumbung/central.token")
    let username = transport == .mqtt ? table.text("username", example: "lumbung", longest: 256) : nil
    let passwordFile =
      transport == .mqtt ? table.file("password_file", .secret, example: "/etc/lumbung/central.password") : nil
    if passwordFile != nil, username == nil {
      table.fault("`password_file` in [[uplink]] without `username`", at: "password_file", hint: "name the user, too")
    }
    let isSecure = urls.first.map { ["mqtts", "https"].contains($0.parts.scheme) } ?? true
    let tls = TLSFiles(reading: table, usesTLS: isSecure, secureScheme: transport == .mqtt ? "mqtts://" : "https://")
    let compression = table.choice("compression", Compression.self)
    let timeout = table.span("timeout", in: .seconds(1) ... .hours(1), example: "30s")
    let optional = table.boolean("optional")
    let drain = table.choice("drain", DrainOrder.self)
    if transport == .influx, drain == .liveFirst {
      table.fault(
        "`drain` in [[uplink]]: an influx uplink always sends the oldest first", at: "drain",
        hint: "a time series keeps what was written last: an older revision must not come after a newer one")
    }
    let start = table.choice("start", Start.self)
    let filter = UplinkDefinition.filter(table)
    let traffic = TrafficRules(reading: table)
    let backfill = table.boolean("backfill")
    if transport == .influx, backfill == true {
      table.fault(
        "`backfill` in [[uplink]]: an influx uplink takes no raw messages", at: "backfill", hint: "leave it out")
    }
    table.finish()
    guard let name, let first = urls.first else { return nil }
    self.init(
      name: name, transport: transport, url: first.text, tokenFile: tokenFile, caFile: tls.ca, certFile: tls.cert,
      keyFile: tls.key, compression: compression ?? .gzip, timeout: timeout ?? .seconds(30),
      optional: optional ?? false, drain: drain)
    alternatives = urls.dropFirst().map(\.text)
    self.username = username
    self.passwordFile = passwordFile
    self.start = start ?? .now
    self.filter = filter
    self.traffic = traffic
    self.backfill = backfill ?? false
  }

  /// At most so many addresses of a cluster.
  private static let mostURLs = 16

  private static func urls(
    _ table: TableReader, _ transport: Transport, example: String
  ) -> [(text: String, parts: ServiceURL)] {
    let schemes = transport == .mqtt ? ["mqtt", "mqtts"] : ["http", "https"]
    let urls = table.urls("url", schemes: schemes, example: example)
    if urls.count > 1, transport != .mqtt {
      table.fault(
        "`url` in [[uplink]] is a list", at: "url", hint: "only type = \"mqtt\" has several; give each its [[uplink]]")
    }
    if urls.count > mostURLs { table.fault("`url` in [[uplink]] has more than \(mostURLs) addresses", at: "url") }
    if Set(urls.map(\.parts.scheme)).count > 1 {
      table.fault("`url` in [[uplink]] mixes mqtt:// and mqtts://", at: "url", hint: "all of a cluster speak the same")
    }
    // A path is appended to the URL; only InfluxDB's has a query of its own, which names the database.
    if transport != .influx, urls.contains(where: { $0.parts.query != nil }) {
      table.fault("`url` in [[uplink]] has a query", at: "url", hint: "leave out the ? and what follows it")
    }
    return urls.map { url in
      var text = url.text
      if url.parts.query == nil { while text.hasSuffix("/") { text.removeLast() } }
      return (text, url.parts)
    }
  }

  private static func filter(_ table: TableReader) -> RecordFilter {
    RecordFilter(
      lanes: Set(table.choices("send", Lane.self)), classes: Set(table.choices("classes", DeviceClass.self)),
      sites: table.texts("sites", example: "sman*").map(Glob.init))
  }
}

extension TrafficRules {
  init(reading table: TableReader) {
    let rate = table.text("max_rate", example: "256kbit/s").flatMap { text in
      let rate = BitRate(text)
      // Slower than that, one batch would take longer than any server waits.
      if rate.map({ $0.bitsPerSecond < 1000 }) ?? true {
        table.fault(
          "`max_rate` in [[uplink]]: \(quoted(text)) is no rate that can be used", at: "max_rate",
          hint: "at least 1kbit/s; for example max_rate = \"256kbit/s\"")
      }
      return rate
    }
    let share = table.number("live_share", example: 0.25)
    if let share, !(0...0.9).contains(share) {
      table.fault("`live_share` in [[uplink]] is \(share)", at: "live_share", hint: "it goes from 0 to 0.9")
    }
    let hours = table.texts("backlog_hours", example: "22:00-05:00").compactMap { text in
      let hours = Hours(text)
      if hours == nil {
        table.fault(
          "`backlog_hours` in [[uplink]]: \(quoted(text)) is no stretch of a day", at: "backlog_hours",
          hint: "for example backlog_hours = \"22:00-05:00\"")
      }
      return hours
    }
    let budget = table.size("monthly_budget", atLeast: .mebibytes(1), example: "2GiB")
    self.init(maxRate: rate, liveShare: share ?? 0.25, backlogHours: hours, monthlyBudget: budget)
  }
}

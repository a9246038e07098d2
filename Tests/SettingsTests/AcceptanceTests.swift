import Settings
import Telemetry
import Testing

/// What is right is understood as it was meant.
@Suite struct AcceptanceTests {
  @Test("a file with nothing but an id has the documented defaults")
  func defaults() throws {
    let settings = try parsed("[gateway]\nid = \"oki-kayuagung-01\"\n")
    #expect(settings == GatewaySettings(gatewayID: "oki-kayuagung-01"))
    #expect(settings.broker.url == "mqtt://127.0.0.1:1883")
    #expect(settings.broker.clientID == "lumbung-oki-kayuagung-01")
    #expect(settings.store.path == "/var/lib/lumbung")
    #expect(settings.store.maxSize == .mebibytes(512))
    #expect(settings.store.rawRetention == .hours(168))
    #expect(settings.store.commitInterval == .milliseconds(200))
    #expect(settings.store.commitMessages == 4000)
    #expect(settings.summary.windows == [.minutes(5)])
    #expect(settings.summary.grace == .seconds(10))
    #expect(settings.summary.lateness == .hours(24))
    #expect(settings.trust == .kernel)
    #expect(settings.admin.listen == ListenAddress(host: "127.0.0.1", port: 8470))
    #expect(settings.sources.isEmpty && settings.alarms.isEmpty && settings.uplinks.isEmpty)
  }

  @Test("every key is read")
  func everyKey() throws {
    let settings = try parsed(everything)
    #expect(settings.gatewayID == "oki-kayuagung-01")
    #expect(settings.timezone == "Asia/Jakarta")
    #expect(settings.labels == ["regency": "Ogan Komering Ilir"])
    #expect(settings.broker.host == "broker.example")
    #expect(settings.broker.port == 8883)
    #expect(settings.broker.usesTLS)
    #expect(settings.broker.username == "lumbung")
    #expect(settings.broker.passwordFile == "/etc/lumbung/broker.password")
    #expect(settings.broker.caFile == "/a" && settings.broker.certFile == "/b" && settings.broker.keyFile == "/c")
    #expect(settings.broker.clientID == "mine")
    #expect(
      settings.store
        == StoreSettings(
          path: "/data", maxSize: .mebibytes(64), rawRetention: .hours(24), commitInterval: .milliseconds(50),
          commitMessages: 100))
    #expect(
      settings.summary == SummarySettings(windows: [.minutes(1), .minutes(5)], grace: .seconds(5), lateness: .hours(2)))
    #expect(settings.trust == .always)
    #expect(settings.admin.listen == ListenAddress(host: "::1", port: 0))
    #expect(settings.logLevel == .debug)

    let source = try #require(settings.sources.first)
    #expect(source.name == "school-cctv")
    #expect(source.topic.description == "school/{site}/cctv/{cam}/telemetry")
    #expect(source.format == "json")
    #expect(source.deviceClass == .camera)
    #expect(source.device?.description == "{site}/{cam}")
    #expect(source.site?.description == "{site}")
    #expect(source.interval == .seconds(30))
    #expect(source.time == TimeMapping(path: "/ts", unit: .milliseconds))
    #expect(source.timezone == "Asia/Makassar")
    #expect(source.clock == .correct)
    #expect(
      source.metrics == [
        MetricMapping(name: "camera.fps", path: "/fps", unit: "1/s", kind: .gauge),
        MetricMapping(name: "whole", path: "", unit: "1", kind: .state),
      ])

    #expect(
      settings.alarms == [
        AlarmRule(
          name: "weak-light", deviceClass: .fiberNode, device: Glob("a*"), site: Glob("b?"),
          metric: "optical.input-power", condition: .below(limit: -27, clear: -26), hold: .seconds(60),
          severity: .critical),
        AlarmRule(name: "hot", metric: "hw.temperature", condition: .above(limit: 70, clear: 70)),
        AlarmRule(name: "silent", deviceClass: .camera, condition: .missing(.seconds(90))),
      ])
    #expect(
      settings.uplinks == [
        UplinkDefinition(
          name: "central", transport: .http, url: "https://central.example.go.id", tokenFile: "/t", caFile: "/a",
          certFile: "/b", keyFile: "/c", compression: .zstd, timeout: .seconds(10), optional: true),
        UplinkDefinition(name: "bus", transport: .mqtt, url: "mqtt://10.0.0.1"),
        UplinkDefinition(name: "graphs", transport: .influx, url: "http://10.0.0.2:8086?db=lumbung"),
      ])
  }

  @Test("device clocks are believed unless the source says that they are to be corrected")
  func clocks() throws {
    let source = minimal + "[[source]]\nname = \"a\"\ntopic = \"a\"\nformat = \"frigate\"\n"
    #expect(try parsed(source).sources.map(\.clock) == [.believe])
    #expect(try parsed(source + "clock = \"correct\"\n").sources.map(\.clock) == [.correct])
    #expect(try parsed(source + "clock = \"believe\"\n").sources.map(\.clock) == [.believe])
  }

  @Test("groups are formed by site, by class, or by both, in that order")
  func rollups() throws {
    #expect(try parsed(minimal).rollups == [])
    #expect(
      try parsed(minimal + "[[rollup]]\nby = [\"site\"]\n[[rollup]]\nby = [\"class\", \"site\"]").rollups
        == [RollupRule(by: [.site]), RollupRule(by: [.deviceClass, .site])])
  }

  @Test("and by the labels that sources give to their devices")
  func labelRollups() throws {
    let settings = try parsed(
      minimal + "[[source]]\nname = \"a\"\ntopic = \"a/{x}\"\nformat = \"json\"\n"
        + "labels = { village = \"{x}\", regency = \"OKI\" }\n[[rollup]]\nby = [\"village\", \"class\"]")
    #expect(settings.rollups == [RollupRule(by: [.label("village"), .deviceClass])])
    #expect(settings.sources[0].deviceLabels(["x": "Air Sugihan"]).map(\.name) == ["regency", "village"])
    #expect(settings.sources[0].deviceLabels([:]).map(\.name) == ["regency"])
  }

  @Test("a window is a duration or a list of them")
  func windows() throws {
    #expect(try parsed(minimal + "[summary]\nwindow = \"1h\"").summary.windows == [.hours(1)])
    #expect(
      try parsed(minimal + "[summary]\nwindow = [\"1m\", \"5m\", \"1h\"]").summary.windows
        == [.minutes(1), .minutes(5), .hours(1)])
  }

  @Test("a source's time may be a table of its own, and so may its metrics stand in a list")
  func otherWritings() throws {
    let source = try #require(
      parsed(
        minimal + """
          [[source]]
          name = "a"
          topic = "a/{x}"
          format = "json"
          device = "{x}"
          metric = [{ name = "m", path = "/m" }, { name = "n", path = "/n", kind = "counter" }]
          [source.time]
          path = "/t"
          unit = "iso"
          """
      ).sources.first)
    #expect(source.time == TimeMapping(path: "/t", unit: .iso))
    #expect(source.metrics.map(\.name) == ["m", "n"])
  }

  @Test("a source need not name its devices")
  func noDevice() throws {
    let settings = try parsed(minimal + "[[source]]\nname = \"a\"\ntopic = \"a/#\"\nformat = \"json\"")
    #expect(settings.sources.first?.device == nil)
  }

  @Test("a built-in format and a profile may use captures of their own")
  func builtInFormats() throws {
    for (format, capture) in [("frigate", "camera"), ("profile:wled", "device")] {
      let settings = try parsed(
        minimal + """
          [[source]]
          name = "a"
          topic = "a/#"
          format = "\(format)"
          site = "{\(capture)}"
          """)
      #expect(settings.sources.first?.format == format)
    }
  }

  @Test("the page can be turned off")
  func pageOff() throws {
    #expect(try parsed(minimal + "[admin]\nlisten = \"off\"").admin.listen == nil)
  }

  @Test("a byte order mark and Windows line ends do no harm")
  func windowsEditor() throws {
    #expect(try parsed("\u{FEFF}[gateway]\r\nid = \"g1\"\r\n").gatewayID == "g1")
    #expect(faults("\u{FEFF}[gateway]\r\nid = \"g1\"\r\nidd = 1\r\n").map(\.line) == [3])
  }
}

private let everything = """
  [gateway]
  id = "oki-kayuagung-01"
  timezone = "Asia/Jakarta"
  labels = { regency = "Ogan Komering Ilir" }
  [broker]
  url = "mqtts://broker.example"
  username = "lumbung"
  password_file = "/etc/lumbung/broker.password"
  ca_file = "/a"
  cert_file = "/b"
  key_file = "/c"
  client_id = "mine"
  [store]
  path = "/data"
  max_size = "64MiB"
  raw_retention = "1d"
  commit_interval = "50ms"
  commit_messages = 100
  [summary]
  window = ["1m", "5m"]
  grace = "5s"
  lateness = "2h"
  [time]
  trust = "always"
  [[source]]
  name = "school-cctv"
  topic = "school/{site}/cctv/{cam}/telemetry"
  format = "json"
  class = "camera"
  device = "{site}/{cam}"
  site = "{site}"
  interval = "30s"
  timezone = "Asia/Makassar"
  clock = "correct"
  time = { path = "/ts", unit = "ms" }
    [[source.metric]]
    name = "camera.fps"
    path = "/fps"
    unit = "1/s"
    kind = "gauge"
    [[source.metric]]
    name = "whole"
    path = ""
    kind = "state"
  [[alarm]]
  name = "weak-light"
  class = "fiber-node"
  device = "a*"
  site = "b?"
  metric = "optical.input-power"
  below = -27
  clear = -26.0
  for = "60s"
  severity = "critical"
  [[alarm]]
  name = "hot"
  metric = "hw.temperature"
  above = 70.0
  [[alarm]]
  name = "silent"
  class = "camera"
  missing = "90s"
  [[uplink]]
  name = "central"
  type = "http"
  url = "https://central.example.go.id/"
  token_file = "/t"
  ca_file = "/a"
  cert_file = "/b"
  key_file = "/c"
  compression = "zstd"
  timeout = "10s"
  optional = true
  [[uplink]]
  name = "bus"
  type = "mqtt"
  url = "mqtt://10.0.0.1"
  [[uplink]]
  name = "graphs"
  type = "influx"
  url = "http://10.0.0.2:8086?db=lumbung"
  [admin]
  listen = "[::1]:0"
  [log]
  level = "debug"
  """

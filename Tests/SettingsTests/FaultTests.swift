import Settings
import Testing

/// What one fault must say: where, and something of what and of what helps.
struct Expected: Sendable, CustomTestStringConvertible {
  let text: String
  let line: Int
  let message: String
  let hint: String

  init(_ text: String, _ line: Int, _ message: String, _ hint: String) {
    self.text = text
    self.line = line
    self.message = message
    self.hint = hint
  }

  var testDescription: String { message }
}

/// Each text is appended to `minimal` and has exactly one fault.
@Suite struct FaultTests {
  @Test("one fault is told with its line and what helps", arguments: sections + limits + sources + alarms + uplinks)
  func one(expected: Expected) {
    let found = faultsBeside(expected.text)
    #expect(found.count == 1, "\(found)")
    #expect(found.first?.line == expected.line, "\(found)")
    #expect(found.first?.message.contains(expected.message) == true, "\(found)")
    #expect(found.first?.hint?.contains(expected.hint) == true, "\(found)")
  }
}

private let sections: [Expected] = [
  Expected("[broker]\nulr = \"mqtt://a\"", 5, "unknown key \"ulr\" in [broker]", "`url`"),
  Expected("[store]\nfrobnicate = 1", 5, "unknown key \"frobnicate\" in [store]", "known here: `path`"),
  Expected("[sumary]", 4, "unknown key \"sumary\" in the file", "`summary`"),
  Expected("[colours]", 4, "unknown key \"colours\"", "known here"),
  Expected("[[rollup]]", 4, "`by` is missing in [[rollup]]", "[\"site\"]"),
  Expected("[[rollup]]\nby = \"site\"", 5, "`by` in [[rollup]] is no list of words", "by = [\"site\"]"),
  Expected("[[rollup]]\nby = []", 5, "`by` in [[rollup]] is no list of words", "by = [\"site\"]"),
  Expected("[[rollup]]\nby = [\n  \"site\",\n  \"colour\"\n]", 7, "can't have in common", "\"class\""),
  Expected("[[rollup]]\nby = [\n  \"village\"\n]", 6, "can't have in common", "labels = {"),
  Expected("[[rollup]]\nby = [\"site\", \"site\"]", 5, "site stands twice", "leave one out"),
  Expected("[[rollup]]\nby = [\"site\"]\nevery = \"1h\"", 6, "unknown key \"every\" in [[rollup]]", "`by`"),
  Expected("[summary]\nwindow = [\"1m\", \"4m\", \"6m\"]", 5, "6m is no multiple of 4m", "shortest first"),
  Expected("[store]\nmax_size = 512", 5, "must be a size in quotes, not a whole number", "512MiB"),
  Expected("[store]\nmax_size = \"15MiB\"", 5, "`max_size` in [store] is 15.0 MiB", "16.0 MiB"),
  Expected("[store]\nmax_size = \"lots\"", 5, "\"lots\" is no size", "512MiB"),
  Expected("[store]\ncommit_messages = 0", 5, "`commit_messages` in [store] is 0", "from 1 to 65535"),
  Expected("[store]\ncommit_messages = \"many\"", 5, "must be a whole number", "4000"),
  Expected("[store]\ncommit_interval = \"200 ms\"", 5, "\"200 ms\" is no duration", "without a space"),
  Expected("[store]\ncommit_interval = \"1m\"", 5, "`commit_interval` in [store] is 1m", "from 1ms to 10s"),
  Expected("[store]\npath = \"\"", 5, "`path` in [store] is empty", "/var/lib/lumbung"),
  Expected("[store]\npath = true", 5, "must be a string, not true or false", "/var/lib/lumbung"),
  Expected("[[store]]\npath = \"/a\"", 4, "[store] can stand only once", "single brackets"),
  Expected("[summary]\nwindow = 300", 5, "must be a duration in quotes", "\"5m\""),
  Expected("[summary]\nwindow = [\"5m\", \"7m\"]", 5, "7m is no multiple of 5m", "shortest first"),
  Expected("[summary]\nwindow = [\n  \"1h\",\n  \"5m\"\n]", 7, "5m is no multiple of 1h", "shortest first"),
  Expected("[summary]\nwindow = [\"5m\", \"5m\"]", 5, "5m stands twice", "leave one out"),
  Expected("[summary]\nwindow = []", 5, "empty list", "\"5m\""),
  Expected("[summary]\nwindow = \"0s\"", 5, "`window` in [summary] is 0s", "from 1s to 7d"),
  Expected("[time]\ntrust = \"kernle\"", 5, "\"kernle\" is no `trust`", "did you mean \"kernel\"?"),
  Expected("[admin]\nlisten = \"8470\"", 5, "no address to listen on", "127.0.0.1:8470"),
  Expected("[admin]\nlisten = \"127.0.0.1:70000\"", 5, "no address to listen on", "HOST:PORT"),
  Expected("[log]\nlevel = \"loud\"", 5, "\"loud\" is no `level`", "\"debug\""),
  Expected("[broker]\nurl = \"tcp://a:1883\"", 5, "doesn't begin with mqtt:// or mqtts://", "mqtt://127.0.0.1:1883"),
  Expected("[broker]\nurl = \"127.0.0.1:1883\"", 5, "is no URL", "mqtt://127.0.0.1:1883"),
  Expected("[broker]\nurl = \"mqtt://a:0\"", 5, "is no URL", "port from 1 to 65535"),
  Expected("[broker]\nurl = \"mqtt://a/topic\"", 5, "names a path", "sources"),
  Expected("[broker]\nurl = \"mqtt://me:secret@a\"", 5, "names a user", "before the @"),
  Expected("[broker]\npassword = \"x\"", 5, "a secret never stands in this file", "password_file"),
  Expected("[broker]\npassword_file = \"/x\"", 5, "without `username`", "username ="),
  Expected("[broker]\nca_file = \"/x\"", 5, "has no effect", "mqtts://"),
  Expected("[broker]\nurl = \"mqtts://a\"\nkey_file = \"/x\"", 6, "without `cert_file`", "go together"),
]

private let limits: [Expected] =
  [
    ("nesting", 128, "32"), ("fields", 100_000, "4096"), ("topics", 10_000_000, "200000"),
    ("devices", 1_000_000, "100000"), ("series", 20_000_000, "2000000"),
  ].flatMap { key, most, example in
    [
      Expected("[limits]\n\(key) = \"many\"", 5, "`\(key)` in [limits] must be a whole number", example),
      Expected("[limits]\n\(key) = 1.5", 5, "`\(key)` in [limits] must be a whole number", example),
      Expected("[limits]\n\(key) = 0", 5, "`\(key)` in [limits] is 0", "to \(most)"),
      Expected("[limits]\n\(key) = -1", 5, "`\(key)` in [limits] is -1", "to \(most)"),
      Expected("[limits]\n\(key) = \(most + 1)", 5, "`\(key)` in [limits] is \(most + 1)", "to \(most)"),
    ]
  } + [
    Expected("[limits]\npayload = 262144", 5, "must be a size in quotes, not a whole number", "256KiB"),
    Expected("[limits]\npayload = \"large\"", 5, "\"large\" is no size", "256KiB"),
    Expected("[limits]\npayload = \"0B\"", 5, "`payload` in [limits]", "1.0 KiB"),
    Expected("[limits]\npayload = \"2MiB\"", 5, "more than 1MiB", "256KiB"),
    Expected("[limits]\nfield = 5", 5, "unknown key \"field\" in [limits]", "`fields`"),
  ]

/// A sound source on lines 4 to 7; what is appended begins on line 8.
private func source(_ more: String, device: String = "{site}/{cam}", format: String = "json") -> String {
  """
  [[source]]
  name = "a"
  topic = "school/{site}/{cam}"
  format = "\(format)"
  device = "\(device)"
  \(more)
  """
}

private let sources: [Expected] = [
  Expected(source("labels = { Desa = \"{site}\" }"), 9, "can't be called \"Desa\"", "small letters"),
  Expected(source("labels = { site = \"{site}\" }"), 9, "can't be called \"site\"", "small letters"),
  Expected(source("labels = { village = \"{vilage}\" }"), 9, "which the topic doesn't have", "it has {site}, {cam}"),
  Expected(source("labels = { village = \"{site\" }"), 9, "is not closed", "{village}"),
  Expected(
    source("labels = { " + (1...9).map { "l\($0) = \"{site}\"" }.joined(separator: ", ") + " }"), 9,
    "more than 8 labels", "groups"),
  Expected("[[source]]\ntopic = \"a/{x}\"\nformat = \"json\"\ndevice = \"{x}\"", 4, "`name` is missing", "school-cctv"),
  Expected("[[source]]\nname = \"a\"\nformat = \"frigate\"", 4, "`topic` is missing", "telemetry"),
  Expected("[[source]]\nname = \"a\"\ntopic = \"a\"", 4, "`format` is missing", "json"),
  Expected(
    "[[source]]\nname = \"a\"\ntopic = \"a\"\nformat = \"frigate\"\nclock = \"corect\"", 8,
    "\"corect\" is no `clock`", "did you mean \"correct\"?"),
  Expected("[source]\nname = \"a\"", 4, "[source] must be [[source]]", "[[source]]"),
  Expected("[[source]]\nname = \"a\"\ntopic = \"a/#/b\"\nformat = \"frigate\"", 6, "# must come last", "{name...}"),
  Expected("[[source]]\nname = \"a\"\ntopic = \"a/{x...}/b\"\nformat = \"frigate\"", 6, "must come last", "{name...}"),
  Expected("[[source]]\nname = \"a\"\ntopic = \"a/x{y}\"\nformat = \"frigate\"", 6, "takes a whole level", "{name}"),
  Expected("[[source]]\nname = \"a\"\ntopic = 5\nformat = \"frigate\"", 6, "must be a string", "telemetry"),
  Expected(source("", format: "frigat"), 7, "\"frigat\" is no `format`", "did you mean \"frigate\"?"),
  Expected(source("", format: "profile:wlde"), 7, "no `format`", "did you mean \"profile:wled\"?"),
  Expected(source("", format: "xml"), 7, "no `format`", "one of \"json\""),
  Expected(source("", device: "{site}/{cma}"), 8, "names {cma}, which the topic doesn't have", "did you mean {cam}?"),
  Expected(source("", device: "{elsewhere}"), 8, "names {elsewhere}", "it has {site}, {cam}"),
  Expected(source("", device: "{site"), 8, "is not closed", "{site}/{cam}"),
  Expected(source("class = \"kamera\""), 9, "\"kamera\" is no `class`", "did you mean \"camera\"?"),
  Expected(source("interval = \"often\""), 9, "\"often\" is no duration", "30s"),
  Expected(source("interval = \"0s\""), 9, "`interval` in [[source]] is 0s", "from 1ms"),
  Expected(source("timezone = \"Asia/Jakrta\""), 9, "no time zone", "did you mean \"Asia/Jakarta\"?"),
  Expected(source("timezone = \"jayapura\""), 9, "no time zone", "did you mean \"Asia/Jayapura\"?"),
  Expected(source("timezone = \"WITA\""), 9, "no time zone", "did you mean \"Asia/Makassar\"?"),
  Expected(source("timezone = \"../../etc/passwd\""), 9, "no time zone", "Asia/Jakarta"),
  Expected(source("timezone = \"zone.tab\""), 9, "no time zone", "Asia/Jakarta"),
  Expected(source("time = { path = \"ts\", unit = \"ms\" }"), 9, "is no JSON Pointer", "did you mean \"/ts\"?"),
  Expected(source("time = { path = \"/ts\", unit = \"msec\" }"), 9, "\"msec\" is no `unit`", "\"ms\""),
  Expected(source("time = { path = \"/ts\" }"), 9, "`unit` is missing in [source.time]", "ms"),
  Expected(source("time = { path = \"/ts\", unit = \"s\" }", format: "scalar"), 9, "has no effect", "leave it out"),
  Expected(source("time = \"/ts\""), 9, "`time` in [[source]] must be a table", "[source.time]"),
  Expected(source("[[source.metric]]\npath = \"/a\""), 9, "`name` is missing in [[source.metric]]", "camera.fps"),
  Expected(source("[[source.metric]]\nname = \"a\""), 9, "`path` is missing in [[source.metric]]", "/fps"),
  Expected(
    source("[[source.metric]]\nname = \"a\"\npath = \"a.b\""), 11, "must begin with /", "did you mean \"/a/b\"?"),
  Expected(source("[[source.metric]]\nname = \"a\"\npath = \"/a~b\""), 11, "~ must be written ~0", "/fps"),
  Expected(source("[[source.metric]]\nname = \"a b\"\npath = \"/a\""), 10, "has a space", "camera.fps"),
  Expected(source("[[source.metric]]\nname = \"a\"\npath = \"/a\"\nkind = \"gage\""), 12, "no `kind`", "\"gauge\""),
  Expected(source("[[source.metric]]\nname = \"a\"\npath = \"/a\"\nunit = \"m / s\""), 12, "no unit of UCUM", "1/s"),
  Expected(
    source("[[source.metric]]\nname = \"a\"\npath = \"/a\"", format: "scalar"), 11, "has no effect", "leave it out"),
]

private let alarms: [Expected] = [
  Expected("[[alarm]]\nname = \"a\"\nmetric = \"m\"", 4, "has no condition", "below"),
  Expected("[[alarm]]\nname = \"a\"\nmetric = \"m\"\nbelow = 1\nabove = 2", 8, "`below` and `above`", "two alarms"),
  Expected("[[alarm]]\nname = \"a\"\nbelow = 1", 4, "`metric` is missing in [[alarm]]", "optical.input-power"),
  Expected("[[alarm]]\nname = \"a\"\nmetric = \"m\"\nbelow = -27\nclear = -28", 8, "on the wrong side", "at or above"),
  Expected("[[alarm]]\nname = \"a\"\nmetric = \"m\"\nabove = 70\nclear = 71", 8, "on the wrong side", "at or below"),
  Expected(
    "[[alarm]]\nname = \"a\"\nmetric = \"m\"\nmissing = \"90s\"", 6, "`metric` in [[alarm]] has no meaning", "leave"),
  Expected("[[alarm]]\nname = \"a\"\nclear = 1\nmissing = \"90s\"", 6, "`clear` in [[alarm]] has no meaning", "leave"),
  Expected("[[alarm]]\nname = \"a\"\nmetric = \"m\"\nbelow = \"-27\"", 7, "must be a number", "-27.0"),
  Expected("[[alarm]]\nname = \"a\"\nmetric = \"m\"\nbelow = nan", 7, "must be a finite number", "-27.0"),
  Expected("[[alarm]]\nname = \"a\"\nmissing = \"90s\"\nseverity = \"grave\"", 7, "no `severity`", "\"critical\""),
  Expected("[[alarm]]\nmissing = \"90s\"", 4, "`name` is missing", "weak-light"),
]

private let uplinks: [Expected] = [
  Expected("[[uplink]]\nname = \"a\"\nurl = [\"https://a\", \"https://b\"]", 6, "is a list", "mqtt"),
  Expected(
    "[[uplink]]\nname = \"a\"\nurl = \"https://a\"\nmax_rate = \"fast\"", 7, "no rate that can be used", "256kbit/s"),
  Expected("[[uplink]]\nname = \"a\"\nurl = \"https://a\"\nlive_share = 2", 7, "`live_share`", "0 to 0.9"),
  Expected(
    "[[uplink]]\nname = \"a\"\nurl = \"https://a\"\nbacklog_hours = \"night\"", 7, "no stretch of a day", "22:00-05:00"),
  Expected(
    "[[uplink]]\nname = \"a\"\nurl = \"https://a\"\nmonthly_budget = \"1kB\"", 7, "`monthly_budget`", "at least 1"),
  Expected("[[uplink]]\nname = \"a\"\nurl = \"https://a\"\nsend = [\"alarms\"]", 7, "none of `send`", "\"alarm\"?"),
  Expected(
    "[[uplink]]\nname = \"a\"\ntype = \"influx\"\nurl = \"https://a\"\ndrain = \"live-first\"", 8,
    "always sends the oldest first", "older revision"),
  Expected(
    "[[uplink]]\nname = \"a\"\ntype = \"mqtt\"\nurl = [\"mqtt://a\", \"mqtts://b\"]", 7, "mixes", "the same"),
  Expected(
    "[[uplink]]\nname = \"a\"\ntype = \"mqtt\"\nurl = \"mqtt://a\"\npassword_file = \"/x\"", 8,
    "without `username`", "user"),
  Expected("[[uplink]]\nname = \"a\"", 4, "`url` is missing in [[uplink]]", "https://"),
  Expected("[[uplink]]\nurl = \"https://a\"", 4, "`name` is missing", "central"),
  Expected("[[uplink]]\nname = \"a\"\nurl = \"mqtt://a\"", 6, "doesn't begin with http:// or https://", "https://"),
  Expected(
    "[[uplink]]\nname = \"a\"\ntype = \"mqtt\"\nurl = \"https://a\"", 7, "doesn't begin with mqtt://", "mqtts://"),
  Expected("[[uplink]]\nname = \"a\"\ntype = \"https\"\nurl = \"https://a\"", 6, "no `type`", "did you mean \"http\"?"),
  Expected("[[uplink]]\nname = \"a\"\nurl = \"https://a?x=1\"", 6, "has a query", "leave out the ?"),
  Expected("[[uplink]]\nname = \"a\"\nurl = \"https://a b\"", 6, "is no URL", "spaces"),
  Expected("[[uplink]]\nname = \"a\"\nurl = \"https://a\"\ntoken = \"x\"", 7, "a secret never stands", "token_file"),
  Expected("[[uplink]]\nname = \"a\"\nurl = \"https://a\"\noptional = \"yes\"", 7, "true or false", "optional = true"),
  Expected("[[uplink]]\nname = \"a\"\nurl = \"https://a\"\ncompression = \"zip\"", 7, "no `compression`", "\"gzip\""),
  Expected("[[uplink]]\nname = \"a\"\nurl = \"https://a\"\ntimeout = \"0s\"", 7, "is 0s", "from 1s"),
  Expected("[[uplink]]\nname = \"a\"\nurl = \"http://a\"\nca_file = \"/x\"", 7, "has no effect", "https://"),
]

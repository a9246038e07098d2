import Telemetry

extension Scenario {
  /// A key of a scenario file: what it sets, and which values it takes.
  public struct Key: Sendable {
    public let name: String
    /// What is expected, for a message: `a share between 0 and 1`.
    public let expects: String
    let set: @Sendable (inout Scenario, Substring) -> Bool
    let get: @Sendable (Scenario) -> String

    private static func count(
      _ name: String, atLeast least: Int, _ path: any WritableKeyPath<Scenario, Int> & Sendable
    ) -> Key {
      Key(
        name: name, expects: "a whole number from \(least) to 1000000",
        set: { scenario, text in
          guard let value = Int(text), (least...1_000_000).contains(value) else { return false }
          scenario[keyPath: path] = value
          return true
        },
        get: { "\($0[keyPath: path])" })
    }

    private static func share(_ name: String, _ path: any WritableKeyPath<Scenario, Double> & Sendable) -> Key {
      number(name, to: 1, "a share between 0 and 1", path)
    }

    private static func number(
      _ name: String, to most: Double, _ expects: String, _ path: any WritableKeyPath<Scenario, Double> & Sendable
    ) -> Key {
      Key(
        name: name, expects: expects,
        set: { scenario, text in
          guard let value = Double(String(text)), value >= 0, value <= most else { return false }
          scenario[keyPath: path] = value
          return true
        },
        get: { "\($0[keyPath: path])" })
    }

    private static func span(_ name: String, _ path: any WritableKeyPath<Scenario, Span> & Sendable) -> Key {
      Key(
        name: name, expects: "a duration from 1ms to 30d, such as 30s or 5m",
        set: { scenario, text in
          guard let value = Span(text), value >= .milliseconds(1), value <= .hours(30 * 24) else { return false }
          scenario[keyPath: path] = value
          return true
        },
        get: { "\($0[keyPath: path])" })
    }

    static let all: [Key] = [
      .count("schools", atLeast: 1, \.schools),
      .count("cameras", atLeast: 0, \.cameras),
      .share("frigate_share", \.frigateShare),
      .share("onvif_share", \.onvifShare),
      .count("videotrons", atLeast: 0, \.videotrons),
      .count("fiber_nodes", atLeast: 0, \.fiberNodes),
      .span("camera_interval", \.cameraInterval),
      .span("frigate_interval", \.frigateInterval),
      .span("event_interval", \.eventInterval),
      .span("onvif_interval", \.onvifInterval),
      .span("videotron_interval", \.videotronInterval),
      .span("power_interval", \.powerInterval),
      .span("fiber_interval", \.fiberInterval),
      .share("duplicates", \.duplicates),
      .share("out_of_order", \.outOfOrder),
      .share("rubbish", \.rubbish),
      .share("outages", \.outages),
      .share("reboots", \.reboots),
      .number("dropouts_per_hour", to: 60, "a number between 0 and 60", \.dropoutsPerHour),
      .span("dropout_shortest", \.dropoutShortest),
      .span("dropout_longest", \.dropoutLongest),
      .share("drifting", \.drifting),
      .span("drift_period", \.driftPeriod),
      .share("wrong_clocks", \.wrongClocks),
      .share("narrow_counters", \.narrowCounters),
    ]
  }

  /// All keys of a scenario file, in the order in which they are documented.
  public static var keys: [Key] { Key.all }

  /// The whole scenario as a scenario file has it: read back, it is equal.
  public var text: String {
    Key.all.map { "\($0.name) = \($0.get(self))\n" }.joined()
  }
}

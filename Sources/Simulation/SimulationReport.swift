import Telemetry

/// How far a running simulation has come.
public struct SimulationProgress: Sendable, Equatable {
  public var elapsed: Span
  public var published: UInt64
  /// Of these, what the broker has acknowledged.
  public var acknowledged: UInt64
  /// Messages a second since the last progress.
  public var rate: Double
  /// How late the latest message went out, compared to the plan.
  public var lag: Span
}

/// What a simulation did.
public struct SimulationReport: Sendable, Equatable {
  public var seed: UInt64
  /// Devices that spoke or could have, power meters and Frigate boxes included.
  public var devices: Int
  public var elapsed: Span
  public var published: UInt64
  public var acknowledged: UInt64
  /// How many messages of each kind were published; kinds that didn't occur are absent.
  public var kinds: [Irregularity: UInt64]

  /// Messages a second over the whole time.
  public var rate: Double { elapsed > .zero ? Double(published) / elapsed.seconds : 0 }

  /// As one JSON object.
  public func write(to writer: inout JSONWriter) {
    writer.object { json in
      // As text where it is beyond what every JSON reader holds.
      if let seed = Int64(exactly: seed) { json.field("seed", seed) } else { json.field("seed", String(seed)) }
      json.field("devices", devices)
      json.field("elapsed_seconds", elapsed.seconds)
      json.field("published", Int64(clamping: published))
      json.field("acknowledged", Int64(clamping: acknowledged))
      json.field("rate", (rate * 10).rounded() / 10)
      json.object("kinds") { object in
        for kind in Irregularity.allCases {
          if let count = kinds[kind] { object.field(kind.rawValue, Int64(clamping: count)) }
        }
      }
    }
  }
}

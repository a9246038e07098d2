import Telemetry

/// What stands in a simulated district, how often it reports, and how much of it misbehaves.
///
/// The default is a small regency: 40 schools with 120 cameras, 12 videotrons (each with its power meter) and
/// 30 fiber nodes, about ten messages a second. A scenario file changes single figures; one `key = value` a line,
/// `#` begins a comment, the keys are those of `keys`:
///
///     schools   = 4
///     cameras   = 2000       # 60 % plain, the rest by the two shares below
///     rubbish   = 0.02
///     dropout_longest = 20m
///
/// Shares are between 0 and 1. Those of *readings* hold at any rate of messages; silences keep their true length and
/// their number per hour, since the rules that notice them run on real time.
public struct Scenario: Sendable, Equatable {
  /// Number of schools; cameras are spread over them evenly, in order.
  public var schools = 40
  /// Number of cameras of all makers.
  public var cameras = 120
  /// Share of the cameras that a Frigate box watches; one box a school.
  public var frigateShare = 0.25
  /// Share of the cameras that speak ONVIF Profile M.
  public var onvifShare = 0.15
  /// Number of videotrons; each has a power meter, which is a device of its own.
  public var videotrons = 12
  /// Number of optical distribution cabinets.
  public var fiberNodes = 30

  /// How often a plain camera reports.
  public var cameraInterval = Span.seconds(30)
  /// How often a Frigate box publishes its statistics.
  public var frigateInterval = Span.seconds(60)
  /// The mean time between two objects in front of one Frigate camera.
  public var eventInterval = Span.seconds(120)
  /// How often an ONVIF camera tells its temperature; motion is as frequent.
  public var onvifInterval = Span.seconds(30)
  /// How often a videotron's player reports; ports and playlist come half as often.
  public var videotronInterval = Span.seconds(30)
  /// How often a power meter reports.
  public var powerInterval = Span.seconds(60)
  /// How often a fiber node's counters, light and sensors are read.
  public var fiberInterval = Span.seconds(60)

  /// Share of readings that are published twice, byte for byte.
  public var duplicates = 0.01
  /// Share of dated readings that come after the device's next one or two.
  public var outOfOrder = 0.01
  /// Share of readings whose payload is rubbish instead.
  public var rubbish = 0.005
  /// Share of the reports of devices that keep readings (plain cameras, Telegraf) at which an outage of their own
  /// link begins. It lasts 3 to 10 reports, which then arrive late, all at once.
  public var outages = 0.004
  /// Share of reports before which the device restarts: uptime and counters begin at 0.
  public var reboots = 0.001
  /// Silences per device and hour, whatever the rate.
  public var dropoutsPerHour = 0.3
  /// The shortest silence.
  public var dropoutShortest = Span.minutes(2)
  /// The longest silence.
  public var dropoutLongest = Span.minutes(8)
  /// Share of the plain cameras and fiber nodes that worsen slowly: frame rate, light; and of the batteries that
  /// run empty.
  public var drifting = 0.1
  /// How long sliding down, staying down and being well again take together, a third each.
  public var driftPeriod = Span.minutes(9)
  /// Share of the devices with a clock of their own (plain and ONVIF cameras, power meters) whose clock is wrong:
  /// every second one counts from 1970, the others are 7 hours ahead.
  public var wrongClocks = 0.03
  /// Share of the fiber nodes whose interface counters have 32 bits and wrap.
  public var narrowCounters = 0.3

  public init() {}

  /// How many devices there are: cameras, videotrons and fiber nodes. Power meters and Frigate boxes come on top.
  public var devices: Int { cameras + videotrons + fiberNodes }

  /// The same district with `count` devices (at least 1) in the same mixture; where it doesn't come out even, the
  /// cameras take the rest. Schools grow along.
  public func scaled(to count: Int) -> Scenario {
    guard devices > 0, count > 0 else { return self }
    let factor = Double(count) / Double(devices)
    func scale(_ number: Int) -> Int { Int((Double(number) * factor).rounded()) }
    var scaled = self
    scaled.fiberNodes = min(scale(fiberNodes), count)
    scaled.videotrons = min(scale(videotrons), count - scaled.fiberNodes)
    scaled.cameras = count - scaled.fiberNodes - scaled.videotrons
    scaled.schools = max(1, scale(schools))
    return scaled
  }
}

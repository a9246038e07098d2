import Telemetry

/// Which devices stand where, and which of them have which fault.
struct DistrictPlan {
  private let seed: UInt64
  private let scenario: Scenario
  private var made: [Station] = []

  init(seed: UInt64, scenario: Scenario) {
    self.seed = seed
    self.scenario = scenario
  }

  mutating func stations() -> [Station] {
    made.removeAll()
    addCameras()
    addVideotrons()
    addFiberNodes()
    return made
  }

  /// A generator for the next device, of its own.
  private func nextRandom() -> SeededRandom { SeededRandom(seed: seed, stream: made.count) }

  private mutating func add(_ model: any DeviceModel, _ random: SeededRandom) {
    made.append(Station(model: model, random: random))
  }

  /// Schools in order, each with the next cameras; of these the first are plain, then come those of Frigate boxes,
  /// then ONVIF, so that most schools have one maker.
  private mutating func addCameras() {
    let onvif = Int((Double(scenario.cameras) * scenario.onvifShare).rounded())
    let frigate = min(scenario.cameras - onvif, Int((Double(scenario.cameras) * scenario.frigateShare).rounded()))
    let plain = scenario.cameras - onvif - frigate
    var drifting = Quota(share: scenario.drifting, seed: seed ^ 1)
    var wrong = Quota(share: scenario.wrongClocks, seed: seed ^ 2)
    var boxes: [(site: String, cameras: [String])] = []
    var site = ""
    var inSite = 0
    for index in 0..<scenario.cameras {
      let school = DistrictPlan.site(index * scenario.schools / scenario.cameras)
      inSite = school == site ? inSite + 1 : 1
      site = school
      var random = nextRandom()
      if index < plain {
        let drift = drifting.takes() ? drift(&random) : nil
        let camera = PlainCamera(
          site: school, camera: DistrictPlan.label("cctv", inSite), interval: scenario.cameraInterval,
          clock: clock(&wrong), drift: drift, random: &random)
        add(camera, random)
      } else if index < plain + frigate {
        let camera = DistrictPlan.label("gate", inSite)
        if boxes.last?.site == school {
          boxes[boxes.count - 1].cameras.append(camera)
        } else {
          boxes.append((school, [camera]))
        }
      } else {
        let camera = OnvifCamera(
          site: school, camera: DistrictPlan.label("ptz", inSite), interval: scenario.onvifInterval,
          clock: clock(&wrong), random: &random)
        add(camera, random)
      }
    }
    for box in boxes {
      var random = nextRandom()
      let frigate = FrigateBox(
        site: box.site, cameras: box.cameras, interval: scenario.frigateInterval,
        eventInterval: scenario.eventInterval, random: &random)
      add(frigate, random)
    }
  }

  private mutating func addVideotrons() {
    // 2025-03-01, when the district bought its meters.
    let installed = Timestamp(milliseconds: 1_740_800_000_000)
    var wrong = Quota(share: scenario.wrongClocks, seed: seed ^ 3)
    for number in 0..<scenario.videotrons {
      let name = DistrictPlan.label("videotron", number + 1)
      var random = nextRandom()
      let player = FalconPlayer(
        name: name, number: number + 1, interval: scenario.videotronInterval, random: &random)
      add(player, random)
      random = nextRandom()
      let meter = PowerMeter(
        videotron: name, interval: scenario.powerInterval, installed: installed, clock: clock(&wrong),
        random: &random)
      add(meter, random)
    }
  }

  private mutating func addFiberNodes() {
    var weak = Quota(share: scenario.drifting, seed: seed ^ 4)
    var empty = Quota(share: scenario.drifting, seed: seed ^ 5)
    var narrow = Quota(share: scenario.narrowCounters, seed: seed ^ 6)
    for number in 0..<scenario.fiberNodes {
      var random = nextRandom()
      let light = weak.takes() ? drift(&random) : nil
      let battery = empty.takes() ? drift(&random) : nil
      let node = FiberNode(
        name: DistrictPlan.label("odc", number + 1), number: number, interval: scenario.fiberInterval,
        narrowCounters: narrow.takes(), lightDrift: light, batteryDrift: battery, random: &random)
      add(node, random)
    }
  }

  /// Within the first two minutes, so that a short demonstration sees it.
  private func drift(_ random: inout SeededRandom) -> Drift {
    Drift(start: Span(nanoseconds: Int64(random.between(0, 120e9))), period: scenario.driftPeriod)
  }

  private func clock(_ wrong: inout Quota) -> DeviceClock {
    guard wrong.takes() else { return .right }
    return DeviceClock.wrong[wrong.taken % DeviceClock.wrong.count]
  }

  /// `sman-01`, `smpn-02`: senior, vocational and junior high schools, primary schools.
  static func site(_ index: Int) -> String {
    label(["sman", "smkn", "smpn", "sdn"][index % 4], index + 1)
  }

  static func label(_ kind: String, _ number: Int) -> String { "\(kind)-\(number < 10 ? "0" : "")\(number)" }
}

/// Picks a share of a sequence, evenly, so that it is met exactly and not only on average. Where it begins depends on
/// the seed.
struct Quota {
  private let share: Double
  private var sum: Double
  private(set) var taken = 0

  init(share: Double, seed: UInt64) {
    self.share = share
    var random = SeededRandom(seed: seed)
    sum = random.uniform()
  }

  mutating func takes() -> Bool {
    sum += share
    guard sum >= 1 else { return false }
    sum -= 1
    taken += 1
    return true
  }
}

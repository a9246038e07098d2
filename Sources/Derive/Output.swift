import Alarms
import Decoding
import Telemetry

/// What was derived and is not yet written: it stays until its transaction has committed, so that a full disk delays it
/// and loses nothing.
struct Output {
  struct Source {
    var start: Timestamp
    var segments: ClosedRange<Int64>
  }

  struct DeviceChange {
    var device: Device
    var isActive: Bool
    var lastHeard: Timestamp?
    /// Kept with the device only while no sealed window keeps them.
    var carries: [UInt8]?
  }

  /// Of a window: its length and its start.
  struct Frame: Hashable, Comparable {
    var length: Span
    var start: Timestamp

    static func < (a: Frame, b: Frame) -> Bool { (a.length, a.start) < (b.length, b.start) }
  }

  var records: [(lane: Lane, json: [UInt8])] = []
  /// By `Device.index`.
  private(set) var windows: [Frame: [Int: WindowStore.Sealed]] = [:]
  /// By name.
  private(set) var groups: [Frame: [String: WindowStore.Sealed]] = [:]
  private(set) var windowCount = 0
  var sources: [Source] = []
  /// By `Device.index`.
  var devices: [Int: DeviceChange] = [:]
  var alarms: [AlarmSnapshot] = []
  var goneAlarms: [AlarmSnapshot] = []
  /// When devices and series were last heard that are quiet.
  var quiet: [LastHeard] = []
  /// What decoding must know of after a restart.
  var remembered: [Remembered] = []

  /// First segments of clock runs to be written.
  var clockRuns: Set<Int64> = []

  mutating func put(_ sealed: WindowStore.Sealed, _ frame: Frame, device: Int) {
    if windows[frame, default: [:]].updateValue(sealed, forKey: device) == nil { windowCount += 1 }
  }

  mutating func put(_ sealed: WindowStore.Sealed, _ frame: Frame, group: String) {
    if groups[frame, default: [:]].updateValue(sealed, forKey: group) == nil { windowCount += 1 }
  }

  var isEmpty: Bool {
    records.isEmpty && windows.isEmpty && groups.isEmpty && sources.isEmpty && devices.isEmpty && alarms.isEmpty
      && clockRuns.isEmpty
  }

  /// A transaction holds no more than this many sealed windows: memory and the time that a lock is held stay bounded
  /// after a long outage, when thousands of windows fall due at once.
  static let fullCount = 5000
  var isFull: Bool { windowCount >= Output.fullCount || records.count >= Output.fullCount }
}

import Alarms
import Decoding
import Telemetry

/// What was derived and is not yet written: it stays until its transaction has committed, so that a full disk delays it
/// and loses nothing.
struct Output {
  struct SealedRow {
    var start: Timestamp
    var device: Device
    var sealed: DeriveStore.Sealed
  }

  struct Source {
    var start: Timestamp
    var segments: ClosedRange<Int64>
  }

  struct DeviceChange {
    var device: Device
    var isActive: Bool
    var lastReading: Timestamp?
    /// Kept with the device only while no sealed window keeps them.
    var carries: [UInt8]?
  }

  var records: [(lane: Lane, json: [UInt8])] = []
  var sealed: [SealedRow] = []
  var sources: [Source] = []
  /// By `Device.index`.
  var devices: [Int: DeviceChange] = [:]
  var alarms: [AlarmSnapshot] = []
  var goneAlarms: [AlarmSnapshot] = []
  /// What decoding must know of after a restart.
  var remembered: [Remembered] = []

  var isEmpty: Bool { records.isEmpty && sealed.isEmpty && sources.isEmpty && devices.isEmpty && alarms.isEmpty }

  /// A transaction holds no more than this many sealed windows: memory and the time that a lock is held stay bounded
  /// after a long outage, when thousands of windows fall due at once.
  static let fullCount = 5000
  var isFull: Bool { sealed.count >= Output.fullCount || records.count >= Output.fullCount }
}

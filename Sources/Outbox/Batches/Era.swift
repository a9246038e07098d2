import Telemetry

/// Who numbers: within one, `seq` counts from 1 on each lane, without holes.
struct Era: Sendable, Equatable {
  var id: Int64
  let gateway: String
  let epoch: String
  let generation: Int
  /// The name of the numbering; empty for the one that everyone shares who wants everything.
  var stream = ""
}

extension Lane {
  /// As stored.
  var code: Int64 {
    switch self {
    case .alarm: 0
    case .summary: 1
    case .status: 2
    case .backfill: 3
    }
  }

  init?(code: Int64) {
    guard let lane = Lane.allCases.first(where: { $0.code == code }) else { return nil }
    self = lane
  }
}

extension [Lane] {
  var bits: UInt8 { reduce(0) { $0 | 1 << UInt8($1.code) } }
}

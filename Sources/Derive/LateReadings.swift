import Telemetry

/// Readings of sealed windows, gathered until the windows are computed again: which device, which window, and which
/// segments hold them. A value; its owner says when it is time.
struct LateReadings: Sendable, Equatable {
  struct Window: Hashable, Sendable {
    var start: Timestamp
    /// By name: it outlives a process, and the registry's positions.
    var device: String
  }

  private(set) var windows: Set<Window> = []
  private(set) var segments: [Timestamp: ClosedRange<Int64>] = [:]
  /// Monotonic times of the first and the latest.
  private var first: Span?
  private var latest: Span?

  /// No longer than this do late readings wait for more of their burst.
  static let patience = Span.seconds(30)
  /// A burst is over when nothing late has come for so long: a device that dumps its backlog over seconds gets one
  /// revision a window, not one a commit.
  static let quiet = Span.seconds(2)

  /// How long readings are gathered.
  enum Kind: Sendable {
    /// Of windows that are over.
    case late
    /// Of windows that are not, by the gateway's clock: they wait until they should be, by the device's.
    case ahead
  }

  let kind: Kind

  init(_ kind: Kind = .late) { self.kind = kind }

  var isEmpty: Bool { windows.isEmpty }

  mutating func note(_ start: Timestamp, _ device: String, segment: Int64, now: Span) {
    windows.insert(Window(start: start, device: device))
    let known = segments[start]
    segments[start] = min(known?.lowerBound ?? segment, segment)...max(known?.upperBound ?? segment, segment)
    if first == nil { first = now }
    latest = now
  }

  /// Notes a window whose readings are all known to lie where they do.
  mutating func note(_ start: Timestamp, _ device: String, now: Span) {
    windows.insert(Window(start: start, device: device))
    if first == nil { first = now }
    latest = now
  }

  /// Whether to revise now.
  ///
  /// - Parameters:
  ///   - window: how long a window waits in all before it is sealed.
  ///   - isPressed: no room is left for more: nothing more of a burst comes before its messages can go.
  func isDue(now: Span, atHead: Bool, window: Span = .zero, isPressed: Bool = false) -> Bool {
    guard let first, let latest else { return !windows.isEmpty }
    if isPressed && atHead { return true }
    if kind == .ahead { return Span(nanoseconds: now.nanoseconds - first.nanoseconds) >= window }
    return Span(nanoseconds: now.nanoseconds - first.nanoseconds) >= LateReadings.patience
      || atHead && Span(nanoseconds: now.nanoseconds - latest.nanoseconds) >= LateReadings.quiet
  }

  /// The first segment that revising will read.
  var oldestSegment: Int64? { segments.values.map(\.lowerBound).min() }

  // MARK: Keeping

  init(_ kind: Kind = .late, encoded bytes: [UInt8]) {
    self.kind = kind
    var reader = ByteReader(bytes)
    while !reader.isAtEnd {
      guard let start = reader.integer(), let first = reader.integer(), let last = reader.integer(),
        let count = reader.integer()
      else { return }
      let time = Timestamp(nanoseconds: start)
      // Nothing but windows that lie elsewhere: the first is behind the last.
      if first <= last { segments[time] = first...last }
      for _ in 0..<max(0, count) {
        guard let device = reader.text() else { return }
        windows.insert(Window(start: time, device: device))
      }
    }
  }

  var encoded: [UInt8] {
    var writer = ByteWriter()
    for (start, noted) in Dictionary(grouping: windows, by: \.start).sorted(by: { $0.key < $1.key }) {
      writer.integer(start.nanoseconds)
      writer.integer(segments[start]?.lowerBound ?? 1)
      writer.integer(segments[start]?.upperBound ?? 0)
      writer.integer(Int64(noted.count))
      for device in noted.map(\.device).sorted() { writer.text(device) }
    }
    return writer.bytes
  }
}

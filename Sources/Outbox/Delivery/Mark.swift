extension Outbox {
  /// A place in a lane: what was the newest when it was taken. What comes later is live, what came before is backlog.
  public struct Mark: Sendable, Equatable {
    let era: Int64
    let seq: Int64
  }

  /// Which part of a lane is asked for.
  public enum Part: Sendable, Equatable {
    case all
    case through(Mark)
    case after(Mark)
  }
}

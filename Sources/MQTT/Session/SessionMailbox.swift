import Synchronization
import Threads

/// What other threads tell the session's thread, and what it tells them.
final class SessionMailbox: Sendable {
  struct Mail {
    /// The outcome of the commit with this number.
    var outcome: (number: UInt64, error: (any Error)?)?
    var filters: [String]?
    var requests: [Request] = []
    /// When the session must be gone, in monotonic nanoseconds.
    var stopBy: Int64?
  }

  /// A message to a device, QoS 0 and not retained.
  struct Request {
    var topic: String
    var payload: [UInt8]
  }

  /// Requests that wait for the session's thread. They are asked for again where they are lost.
  private static let mostRequests = 64

  private struct State {
    var mail = Mail()
    var status = SessionStatus()
    var started = false
  }

  private let state = Mutex(State())
  let wakeUp = WakeUp()
  let finished = WakeUp()
  let heartbeat = Heartbeat()

  // MARK: From any thread

  var status: SessionStatus { state.withLock { $0.status } }

  /// False where it was started, or stopped, before.
  func markStarted() -> Bool {
    state.withLock { state in
      defer { state.started = true }
      return !state.started && state.mail.stopBy == nil
    }
  }

  /// The session's thread could not be started.
  func startFailed(_ error: MQTTError) {
    state.withLock { state in
      state.status.state = .stopped
      state.status.lastError = error
    }
    finished.signal()
  }

  func commitEnded(_ number: UInt64, _ result: Result<Void, any Error>) {
    let error: (any Error)? = if case .failure(let error) = result { error } else { nil }
    state.withLock { $0.mail.outcome = (number, error) }
    wakeUp.signal()
  }

  func setFilters(_ filters: [String]) {
    state.withLock { $0.mail.filters = filters }
    wakeUp.signal()
  }

  func request(_ request: Request) {
    state.withLock { state in
      if state.mail.requests.count < SessionMailbox.mostRequests { state.mail.requests.append(request) }
    }
    wakeUp.signal()
  }

  /// False where the session never started.
  func stop(by deadline: Int64) -> Bool {
    let started = state.withLock { state in
      state.mail.stopBy = min(state.mail.stopBy ?? .max, deadline)
      if !state.started { state.status.state = .stopped }
      return state.started
    }
    wakeUp.signal()
    return started
  }

  // MARK: From the session's thread

  /// A request to stop stays, everything else is taken out.
  func take() -> Mail {
    state.withLock { state in
      defer {
        state.mail.outcome = nil
        state.mail.filters = nil
        state.mail.requests.removeAll()
      }
      return state.mail
    }
  }

  func publish(_ status: SessionStatus) { state.withLock { $0.status = status } }
}

import Decoding
import Derive
import Logging
import MQTT
import Settings
import Systemd
import Telemetry
import Threads
import UnixSignals

/// SIGHUP: the configuration is read again, and what changed takes effect without losing a message or the session.
extension Gateway {
  /// A deriver that is made anew reads the open windows' messages again; on a slow box that takes its time.
  private static let patience = Span.minutes(10)

  /// - Parameter hangups: listened to since before the store was opened.
  func reloadWhenTold(_ rooms: Rooms, _ hangups: UnixSignalsSequence) async {
    for await _ in hangups {
      notifier.send(.reloading(at: SystemClock.monotonic) + .status("reading the configuration again"))
      let outcome: String
      do {
        let done = try await blocking { try self.reload(rooms) }
        logger.log(level: done.isComplete ? .notice : .error, "configuration read again; \(done.text)")
        outcome = done.text
      } catch {
        // What is wrong with it is not for a status line: the log has it in full.
        logger.error("the configuration stays as it was: \(error)")
        outcome = "the new configuration is faulty, the old one stays; see the log"
      }
      notifier.send(.ready + .status(outcome))
    }
  }

  private func reload(_ rooms: Rooms) throws -> ReloadOutcome {
    let new = try readAgain()
    let plan = ReloadPlan(from: settings, to: new)
    // Profiles may be missing, and two sources may contradict one another: found out before anything changes.
    _ = try Decoder(sources: plan.applied.sources, timezone: plan.applied.timezone, registry: Registry())
    let made = rooms.derive.made.count()
    let old = settings
    apply(plan.applied)
    if plan.changesUplinks {
      do {
        try rooms.uplinks.change(to: plan.applied, keepingSame: !plan.changesCalendar)
      } catch {
        apply(old)
        throw error
      }
    }
    var holdUp: String?
    if plan.changesDeriving {
      rooms.derive.remake()
      rooms.room.add(.pace(plan.applied.pacer))
      // Messages of new topics must meet the sources that take them.
      if rooms.derive.made.wait(past: made, timeout: Gateway.patience) == made {
        // There is no way back: the old deriver is gone, and the new one is tried again until it can be made.
        holdUp = rooms.derive.current.error ?? "its start takes longer than \(Gateway.patience)"
      }
      // The rules begin anew to listen for silence.
      if rooms.session.status.state == .connected { rooms.room.add(.mark(.connected)) }
    }
    if plan.changesTopics { rooms.session.setFilters(ReloadPlan.topics(plan.applied)) }
    return ReloadOutcome(plan, holdUp: holdUp)
  }
}

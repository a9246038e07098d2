import MQTT
import Outbox
import Systemd
import Telemetry
import Threads
import Uplinks

/// Everything that runs, to be closed in order.
struct Rooms: Sendable {
  let session: Session
  let room: JournalRoom
  let derive: DeriveRoom
  let uplinks: UplinkSet
  /// Serves receivers that ask for raw messages.
  let backfill: BackfillRoom
  let outbox: Outbox
  let board: StatusBoard
  /// Looks through what a bounded start left out; `nil` where nothing was.
  let examination: ExaminationRoom?
  let journalThread: BlockingThread
  let deriveThread: BlockingThread

  /// What each thread has to show for the watchdog. All turn at least every few seconds, with or without work.
  var stations: [Liveness.Station] {
    // A name server that doesn't answer holds the session's thread for longer, and that is nobody's fault here.
    let looksUp = session.status.state == .connecting
    return [
      Liveness.Station("ingest", progress: session.heartbeat.count, hasWork: !looksUp),
      Liveness.Station("journal", progress: room.heartbeat.count, hasWork: true),
      Liveness.Station("derive", progress: derive.heartbeat.count, hasWork: true),
    ] + uplinks.stations
  }

  /// From the broker outwards: nothing is read any more, what was read is committed and acknowledged, what is committed
  /// is derived. What an uplink has in flight is sent again after the next start, under the same key.
  func close(within milliseconds: Int) {
    let fifth = Span.milliseconds(Int64(milliseconds / 5))
    examination?.stop()
    session.stop(within: milliseconds / 2)
    room.stop()
    journalThread.join(within: fifth)
    derive.stop()
    deriveThread.join(within: fifth)
    backfill.stop()
    uplinks.stop(within: Span(nanoseconds: fifth.nanoseconds / 2))
  }
}

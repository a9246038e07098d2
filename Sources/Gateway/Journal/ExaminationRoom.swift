import Glibc
import Journal
import Synchronization
import Telemetry
import Threads

/// Looks through the part of the journal that a bounded start left out, on a thread of its own that gives way to all
/// others.
final class ExaminationRoom: Sendable {
  /// Of each second so much is worked at most: a quarter.
  private static let restFactor: Int64 = 3

  private let path: String
  private let uuid: String
  private let incidents: IncidentLog
  private let log: @Sendable (String) -> Void
  private let stopping = Atomic(false)
  private let bell = Bell()

  init(path: String, uuid: String, incidents: IncidentLog, log: @escaping @Sendable (String) -> Void) {
    self.path = path
    self.uuid = uuid
    self.incidents = incidents
    self.log = log
  }

  func stop() {
    stopping.store(true, ordering: .relaxed)
    bell.ring()
  }

  func run() {
    // In Linux a thread has a niceness of its own.
    setpriority(Int32(PRIO_PROCESS.rawValue), 0, 19)
    do {
      let examination = try JournalExamination(path: path)
      var told = 0
      var goesOn = true
      while goesOn, !stopping.load(ordering: .relaxed) {
        let began = SystemClock.monotonic
        goesOn = try examination.step()
        for finding in examination.findings[told...] {
          incidents.note(.damagedSegment(finding.segment, finding.reason, journal: uuid))
        }
        told = examination.findings.count
        let worked = SystemClock.monotonic.nanoseconds - began.nanoseconds
        bell.wait(past: 0, timeout: Span(nanoseconds: worked * ExaminationRoom.restFactor))
      }
    } catch {
      log("looking through the journal: \(error)")
    }
  }
}

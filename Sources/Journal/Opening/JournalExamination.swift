/// Looks through a journal bit by bit while it is in use: for what a bounded start leaves out.
///
/// Reads every segment that was there when it began, and checks it as a reader would. Each step is one short
/// transaction, so that the log is not kept from being used again. Any thread, one owner.
public final class JournalExamination {
  public struct Finding: Sendable, Equatable {
    public var segment: Int64
    public var reason: String
  }

  /// Segments that can't be read back, at most `mostFindings`.
  public private(set) var findings: [Finding] = []
  public private(set) var segments: Int64 = 0

  public static let mostFindings = 100
  /// Segments of one step, and bytes that they hold: some milliseconds of work.
  private static let stepSegments = 16
  private static let stepBytes = 1 << 20

  private let reader: JournalReader
  private let last: Int64
  private var position: Int64 = 0

  public init(path: String) throws(JournalError) {
    reader = try JournalReader.owner(path: path)
    last = reader.newestID
  }

  /// Whether a page was found damaged, not only the bytes of a segment: then the journal must be opened anew. The
  /// suspicion is raised already.
  public var metDamagedPage: Bool { reader.metDamagedPage }

  /// - Returns: false once all is looked at.
  /// - Throws: where nothing more can be read; `metDamagedPage` says whether that is the file's fault.
  public func step() throws(JournalError) -> Bool {
    let items = try reader.segments(
      after: position, through: last, limit: JournalExamination.stepSegments, maxBytes: JournalExamination.stepBytes)
    for item in items {
      segments += 1
      position = item.id
      if case .damaged(let id, let reason) = item, findings.count < JournalExamination.mostFindings {
        findings.append(Finding(segment: id, reason: reason))
      }
    }
    return !items.isEmpty
  }
}

import Derive
import Journal
import LocalAPI
import Logging
import MQTT
import Outbox
import ServiceLifecycle
import Settings
import Synchronization
import Telemetry
import Threads
import Uplinks
import Windows

/// The daemon: opens the rooms in order, connects them, and closes them in order.
///
/// ```
/// broker ──▶ Session ──▶ IngestSink ──▶ JournalRoom ──▶ DeriveRoom ──▶ Outbox ──▶ HTTPUplink ──▶ central
///            (thread)                    (thread)        (thread)                 (two threads each)
/// ```
///
/// The store is open before the first subscription, and nothing is read that can't be kept.
public final class Gateway: Service {
  private let settings: GatewaySettings
  private let logger: Logger

  public init(settings: GatewaySettings, logger: Logger) {
    self.settings = settings
    self.logger = logger
  }

  /// How long closing may take in all, whatever hangs. systemd's patience is longer.
  private static let shutdownMilliseconds = 5000

  private enum Ending: Sendable {
    case page
    case told
    case failed(String)
  }

  public func run() async throws {
    let (failures, failure) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingOldest(1))
    let rooms = try await blocking { try self.open { failure.yield($0) } }
    logger.info("reading from \(settings.broker.url)")
    let ending = await withTaskGroup(of: Ending.self) { group in
      group.addTask {
        await self.serve(rooms.board)
        return .page
      }
      group.addTask {
        try? await gracefulShutdown()
        return .told
      }
      group.addTask {
        for await reason in failures { return .failed(reason) }
        return .told
      }
      // Without its page the gateway goes on.
      for await ending in group {
        if case .page = ending { continue }
        group.cancelAll()
        return ending
      }
      return .told
    }
    try await blocking { rooms.close(within: Gateway.shutdownMilliseconds) }
    if case .failed(let reason) = ending { throw GatewayError(.io, reason) }
  }

  /// Runs blocking work on a thread of its own and waits for it without blocking the cooperative pool.
  private func blocking<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      do {
        _ = try BlockingThread("lumbung-work") { continuation.resume(with: Result { try body() }) }
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }

  private func serve(_ board: StatusBoard) async {
    guard let listen = settings.adminListen else { return }
    let api = LocalAPI(
      host: listen.host, port: listen.port, status: { board.report().json },
      metrics: { PrometheusText.render(board.report()) }, health: { board.health() }, logger: logger)
    do {
      try await api.run()
    } catch {
      // The page is a help for people; the messages come first.
      logger.error("no page and no metrics: \(error)")
    }
  }

  // MARK: Opening

  /// - Parameter fail: called where only a new process can go on.
  private func open(fail: @escaping @Sendable (String) -> Void) throws -> Rooms {
    if let fault = settings.unsupported.first {
      throw GatewayError(.configuration, "\(fault.message); \(fault.hint)")
    }
    let store = settings.store.path
    try StoreFolder.make(store)
    let log = log()
    let journalPath = "\(store)/journal.db"
    let outboxPath = "\(store)/outbox.db"
    let controls = FaultControls.ofProcess
    if let warning = controls.warning { logger.critical("\(warning)") }
    var journalOptions = JournalWriter.Options()
    journalOptions.synchronous = controls.synchronous
    let writer = try opening { try JournalWriter(path: journalPath, options: journalOptions) }
    let outboxOptions = Outbox.Options(
      path: outboxPath, gateway: settings.gatewayID, epoch: writer.uuid,
      destinations: settings.uplinks.map {
        Outbox.Destination(name: $0.name, optional: $0.optional, compression: $0.compression)
      },
      extraSchema: Deriver.schema, synchronous: controls.synchronous)
    let outbox = try opening {
      do {
        return try Outbox(outboxOptions)
      } catch {
        guard writer.hasReserve else { throw error }
        // The disk may be full, and the reserve is there for this.
        writer.releaseReserve()
        return try Outbox(outboxOptions)
      }
    }
    tellOpening(writer, outbox)
    // Ids are never used twice, even where an old copy of the journal was put back.
    if let position = try Deriver.lastPosition(outboxPath: outboxPath, epoch: writer.uuid) {
      try opening { try writer.raiseFloor(to: position) }
    }
    let gate = IngestGate()
    let room = JournalRoom(path: journalPath, gate: gate, log: log)
    let derive = DeriveRoom(
      committed: room.committed, gate: gate, log: log, full: { room.add(.giveRoom) }, fail: fail)
    let session = try session(room, gate)
    try remember(session, JournalReader(path: journalPath))
    let uplinks = try settings.uplinks.map { try uplink($0, outbox) }
    let board = StatusBoard(
      settings: settings, started: SystemClock.wall, room: room, derive: derive, outbox: outbox, session: session,
      uplinks: uplinks, gate: gate)
    let deriver = try deriver(journalPath, outboxPath, outbox, board, log)
    let keeper = StoreKeeper(
      policy: RetentionPolicy(maxSize: settings.store.maxSize, rawRetention: settings.store.rawRetention),
      folder: store, room: room,
      outbox: outbox, gate: gate, trustsClock: settings.trust == .always, gateChanged: { _ in session.poke() }, log: log
    )
    let pacer = SegmentPacer(
      windowLength: windowSettings.length, grace: windowSettings.grace, shortestWait: deriver.shortestWait)

    // Each goes over to its thread here, and is touched by no other.
    let handedWriter = Handover(writer)
    let handedDeriver = Handover((deriver, keeper))
    let journalThread = try BlockingThread("journal") { room.run(handedWriter.value, pacer: pacer) }
    let deriveThread = try BlockingThread("derive") {
      let (deriver, keeper) = handedDeriver.value
      derive.run(deriver, keep: keeper.keep)
    }
    for uplink in uplinks { uplink.start() }
    session.start()
    return Rooms(
      session: session, room: room, derive: derive, uplinks: uplinks, outbox: outbox, board: board,
      journalThread: journalThread, deriveThread: deriveThread)
  }

  private func tellOpening(_ writer: JournalWriter, _ outbox: Outbox) {
    let journal = writer.openReport
    let outbox = outbox.openReport
    if let reason = journal.reason {
      logger.error(
        "the journal was damaged (\(reason)); set aside as \(journal.setAside ?? "-"), \(journal.salvagedSegments) segments saved"
      )
    }
    if let reason = outbox.reason {
      logger.error(
        "the outbox was damaged (\(reason)); set aside as \(outbox.setAside ?? "-"), \(outbox.salvagedBatches) batches saved"
      )
    }
  }

  private func log() -> @Sendable (String) -> Void {
    { [logger] text in logger.warning("\(text)") }
  }

  private func opening<T>(_ body: () throws -> T) throws -> T {
    do {
      return try body()
    } catch {
      throw GatewayError(.io, String(describing: error))
    }
  }

  private var windowSettings: WindowSettings {
    WindowSettings(
      length: settings.summary.windows.first ?? .minutes(5), grace: settings.summary.grace,
      lateness: settings.summary.lateness)
  }

  private func deriver(
    _ journalPath: String, _ outboxPath: String, _ outbox: Outbox, _ board: StatusBoard,
    _ log: @escaping @Sendable (String) -> Void
  ) throws -> Deriver {
    try Deriver(
      settings: DeriveSettings(
        gateway: settings.gatewayID, windows: windowSettings, trustsClock: settings.trust == .always,
        timezone: settings.timezone),
      sources: settings.sources, rules: settings.alarms, journal: JournalReader(path: journalPath), outbox: outbox,
      outboxPath: outboxPath, statusRecord: { _ in board.report().record }, report: log)
  }

  private func session(_ room: JournalRoom, _ gate: IngestGate) throws -> Session {
    let broker = settings.broker
    guard let address = BrokerAddress(url: broker.url) else {
      throw GatewayError(.configuration, "broker.url \(broker.url) is no mqtt:// or mqtts:// address")
    }
    let cover = TopicCover.cover(settings.sources.map(\.topic.filter)).map(\.description)
    let configuration = SessionConfiguration(
      address: address, username: broker.username,
      password: { try broker.passwordFile.map { try Secret.read(file: $0).value } }, caFile: broker.caFile,
      certFile: broker.certFile, keyFile: broker.keyFile, clientID: broker.clientID, filters: cover,
      commitInterval: Int(settings.store.commitInterval.milliseconds), commitMessages: settings.store.commitMessages)
    return Session(configuration: configuration, sink: IngestSink(room: room, gate: gate)) { [logger] event in
      SessionLog.note(event, room, logger)
    }
  }

  /// How many committed messages the broker may still send again: the Receive Maximum.
  private static let redeliverable = 65_535

  /// Tells the session what an earlier process committed, so that what the broker sends again is known.
  private func remember(_ session: Session, _ reader: JournalReader) throws {
    let newest = reader.newestID
    let oldest = reader.oldestID
    var blocks: [[Segment]] = []
    var count = 0
    var through = newest
    // Newest block first, for the count that is wanted ends somewhere in the middle of the journal.
    while count < Gateway.redeliverable, through >= oldest, through > 0 {
      let after = max(oldest, through - 63) - 1
      var block: [Segment] = []
      for case .segment(let segment) in try reader.segments(after: after, through: through, limit: 64, maxBytes: .max) {
        block.append(segment)
        count += segment.count
      }
      blocks.append(block)
      through = after
    }
    for segment in blocks.reversed().joined() {
      segment.forEach { message in
        guard message.qos > 0 else { return }
        session.remember(packetID: message.packetID, topic: message.topic, payload: message.payload)
      }
    }
  }

  private func uplink(_ definition: UplinkDefinition, _ outbox: Outbox) throws -> HTTPUplink {
    try HTTPUplink(
      definition: definition, outbox: outbox, gateway: settings.gatewayID,
      token: { try definition.tokenFile.map { try Secret.read(file: $0).value } },
      log: { [logger] level, text in logger.log(level: level == .error ? .error : .info, "\(text)") })
  }
}

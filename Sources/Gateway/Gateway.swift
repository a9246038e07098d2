import Alarms
import Decoding
import Derive
import Glibc
import Journal
import LocalAPI
import Logging
import MQTT
import Outbox
import SQLite
import ServiceLifecycle
import Settings
import Synchronization
import Systemd
import TLS
import Telemetry
import Threads
import UnixSignals
import Uplinks
import Windows

/// The daemon: opens the rooms in order, connects them, and closes them in order.
///
/// ```
/// broker ──▶ Session ──▶ IngestSink ──▶ JournalRoom ──▶ DeriveRoom ──▶ Outbox ──▶ Uplink ──▶ central
///            (thread)                    (thread)        (thread)                 (two threads each)
/// ```
///
/// The store is open before the first subscription, and nothing is read that can't be kept.
public final class Gateway: Service {
  private let current: Mutex<GatewaySettings>
  private let log: ServiceLog
  let logger: Logger
  let notifier = Notifier()
  private let redactor: Redactor
  let readAgain: @Sendable () throws -> GatewaySettings

  /// - Parameters:
  ///   - log: its level follows the settings.
  ///   - readAgain: reads and validates the configuration file once more, at each SIGHUP.
  public init(
    settings: GatewaySettings, log: ServiceLog, readAgain: @escaping @Sendable () throws -> GatewaySettings
  ) {
    current = Mutex(settings)
    redactor = Redactor(settings.sources)
    self.log = log
    logger = log.logger()
    self.readAgain = readAgain
  }

  /// As they are in force now: a reload changes them.
  var settings: GatewaySettings { current.withLock(\.self) }

  func apply(_ settings: GatewaySettings) {
    current.withLock { $0 = settings }
    redactor.change(to: settings.sources)
    log.level = Logger.Level(rawValue: settings.logLevel.rawValue) ?? .info
  }

  /// How long closing may take in all, whatever hangs. systemd's patience is longer.
  private static let shutdownMilliseconds = 5000

  private enum Ending: Sendable {
    /// Something beside the messages' way has ended: without its page, say, the gateway goes on.
    case task
    case told
    case failed(String)
  }

  public func run() async throws {
    let (failures, failure) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingOldest(1))
    let (tries, tried) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
    // One that comes while the store is still being opened must wait, and not end the process.
    let hangups = await UnixSignalsSequence(trapping: .sighup)
    guard let rooms = try await openPatiently({ failure.yield($0) }, { tried.yield() }) else { return }
    let supervisor = supervisor(of: rooms)
    // Ends by the graceful shutdown, which it hears of by itself, or with the process. It is never cancelled: a
    // connection that comes in that moment would end the process within NIO, before what was read is committed.
    Task { await serve(rooms.board) }
    let ending = await withTaskGroup(of: Ending.self) { group in
      group.addTask {
        // Whether it answers or not: a broker that is away is no reason to be called unready.
        for await _ in tries { break }
        guard !Task.isCancelled else { return .task }
        self.logger.info("ready: reading from \(self.settings.broker.url)")
        self.notifier.send(.ready + .status(StatusLine.render(rooms.board.report())))
        do {
          _ = try BlockingThread("supervise") { supervisor.run() }
        } catch {
          return .failed("\(error)")
        }
        return .task
      }
      group.addTask {
        await self.reloadWhenTold(rooms, hangups)
        return .task
      }
      group.addTask {
        await self.keepSmall()
        return .task
      }
      group.addTask {
        try? await gracefulShutdown()
        return .told
      }
      group.addTask {
        for await reason in failures { return .failed(reason) }
        return .told
      }
      for await ending in group {
        if case .task = ending { continue }
        group.cancelAll()
        return ending
      }
      return .told
    }
    supervisor.stop()
    notifier.send(.stopping + .status("committing what was read, and leaving the broker"))
    try await blocking { rooms.close(within: Gateway.shutdownMilliseconds) }
    if case .failed(let reason) = ending { throw GatewayError(.io, reason) }
  }

  /// Runs blocking work on a thread of its own and waits for it without blocking the cooperative pool.
  func blocking<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      do {
        _ = try BlockingThread("lumbung-work") { continuation.resume(with: Result { try body() }) }
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }

  /// Until its task is cancelled.
  private func keepSmall() async {
    guard (try? await Task.sleep(for: Memory.startInterval)) != nil else { return }
    try? await blocking { Memory.giveBackAll() }
    var round = 0
    while (try? await Task.sleep(for: Memory.interval)) != nil {
      round += 1
      let isAll = round.isMultiple(of: Memory.roundsToAll)
      try? await blocking { isAll ? Memory.giveBackAll() : Memory.giveBack() }
    }
  }

  private func serve(_ board: StatusBoard) async {
    guard let listen = settings.admin.listen else { return }
    do {
      let certificate = try settings.admin.certificateFiles.map { files in
        try ServerCertificate(files) { [logger] error in
          logger.error("the page keeps its old certificate: \(error)")
        }
      }
      if let caution = certificate?.caution(at: Glibc.time(nil)) { logger.warning("[admin] cert_file: \(caution)") }
      let api = LocalAPI(
        host: listen.host, port: listen.port, certificate: certificate, status: { board.report().json },
        metrics: { PrometheusText.render(board.report()) }, health: { board.health() }, logger: logger)
      try await api.run()
    } catch {
      // The page is a help for people; the messages come first.
      logger.error("no page and no metrics: \(error)")
    }
  }

  private func supervisor(of rooms: Rooms) -> Supervisor {
    Supervisor(
      notifier: notifier, stations: { rooms.stations }, status: { StatusLine.render(rooms.board.report()) },
      logger: logger)
  }

  // MARK: Opening

  /// A full disk or a read-only file system is waited for: another process would meet the same.
  ///
  /// - Returns: `nil` where it was told to stop before.
  private func openPatiently(
    _ fail: @escaping @Sendable (String) -> Void, _ tried: @escaping @Sendable () -> Void
  ) async throws -> Rooms? {
    var told: String?
    while true {
      do {
        return try await blocking { try self.open(fail: fail, tried: tried) }
      } catch let error as GatewayError where error.mayPass {
        if told != error.description { logger.error("\(error); trying again each second") }
        notifier.send(.status("waiting: \(error)"))
        told = error.description
      }
      do {
        try await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(1)) }
      } catch {
        return nil
      }
    }
  }

  /// - Parameters:
  ///   - fail: called where only a new process can go on.
  ///   - tried: called once the broker has answered, or hasn't, and at each later try.
  private func open(
    fail: @escaping @Sendable (String) -> Void, tried: @escaping @Sendable () -> Void
  ) throws -> Rooms {
    let settings = settings
    let store = settings.store.path
    try StoreFolder.make(store)
    let log = warn
    let incidents = IncidentLog { [logger] text in logger.error("\(text)") }
    let journalPath = "\(store)/journal.db"
    let outboxPath = "\(store)/outbox.db"
    let controls = FaultControls.ofProcess
    if let warning = controls.warning { logger.critical("\(warning)") }
    var journalOptions = JournalWriter.Options()
    journalOptions.synchronous = controls.synchronous
    let writer = try opening { try JournalWriter(path: journalPath, options: journalOptions) }
    if let incident = StatusReport.Incident(writer.openReport, journal: writer.uuid) { incidents.note(incident) }
    let outboxOptions = Outbox.Options(
      path: outboxPath, gateway: settings.gatewayID, epoch: writer.uuid,
      destinations: UplinkSet.destinations(of: settings),
      extraSchema: Deriver.schema + IncidentLog.schema, synchronous: controls.synchronous)
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
    let outboxReport = outbox.openReport
    if let incident = StatusReport.Incident(outboxReport, journal: writer.uuid, generation: outbox.generation) {
      incidents.note(incident)
    }
    try opening {
      try incidents.load(outbox)
      try incidents.tell(outbox)
    }
    // Ids are never used twice, even where an old copy of the journal was put back.
    let position = try Deriver.lastPosition(outboxPath: outboxPath, epoch: writer.uuid)
    if let position, position > writer.newestID {
      incidents.note(.missingSegments(writer.newestID + 1...position, journal: writer.uuid))
      try opening { try writer.raiseFloor(to: position) }
    }
    let gate = IngestGate()
    let room = JournalRoom(
      path: journalPath, gate: gate,
      opened: { report, uuid in
        guard let incident = StatusReport.Incident(report, journal: uuid) else { return }
        incidents.note(incident)
        // Everyone else still reads the file that was set aside: only a new process sees the new one.
        try? incidents.tell(outbox)
        if report.outcome == .salvaged { fail(incident.text) }
      }, log: log)
    let derive = DeriveRoom(
      committed: room.committed, journalPath: journalPath, position: position ?? 0, gate: gate, log: log,
      full: { room.add(.giveRoom) }, fail: fail)
    let session = try session(room, gate, tried)
    gate.whenChanged { session.poke() }
    try opening {
      redactor.learn(try Deriver.births(outboxPath: outboxPath))
      try SessionMemory.fill(session, redactor, JournalReader.owner(path: journalPath))
    }
    let backfill = BackfillRoom(
      settings: { self.settings }, journalPath: journalPath, outbox: outbox, tell: { [logger] in logger.info("\($0)") },
      log: log
    )
    let uplinks = UplinkSet(outbox: outbox) { try self.uplink($0, outbox, backfill) }
    try uplinks.prepare(settings)
    let board = StatusBoard(
      settings: { self.settings }, started: SystemClock.wall, room: room, derive: derive, outbox: outbox,
      session: session,
      uplinks: uplinks, gate: gate, incidents: incidents)
    // What is wrong with the sources is said now; the deriver itself begins on its own thread.
    _ = try Decoder(sources: settings.sources, timezone: settings.timezone, registry: Registry())
    let keeper = StoreKeeper(
      policy: RetentionPolicy(maxSize: settings.store.maxSize, rawRetention: settings.store.rawRetention),
      folder: store, room: room, outbox: outbox, incidents: incidents, gate: gate,
      trustsClock: settings.trust == .always, log: log)
    room.note(writer)
    try opening { try keeper.begin() }
    let pacer = settings.pacer
    let isExamined = writer.openReport.isExamined
    let uuid = writer.uuid

    let births = BirthCaller(isOn: settings.broker.asksForRebirth, session: session, logger: logger)
    // Each goes over to its thread here, and is touched by no other.
    let handedWriter = Handover(writer)
    let handedKeeper = Handover(keeper)
    let journalThread = try BlockingThread("journal") { room.run(handedWriter.value, pacer: pacer) }
    let deriveThread = try BlockingThread("derive") {
      let keeper = handedKeeper.value
      derive.run(
        make: { try self.deriver(journalPath, outboxPath, outbox, board, incidents, $0, derive.heartbeat) },
        watch: keeper.begin,
        keep: { deriver in
          keeper.follow(self.settings)
          try keeper.keep(deriver)
          births.ask(for: deriver.takeRebirthRequests(), at: SystemClock.wall)
        })
    }
    let examination = isExamined ? nil : ExaminationRoom(path: journalPath, uuid: uuid, incidents: incidents, log: log)
    if let examination { _ = try BlockingThread("examine") { examination.run() } }
    _ = try BlockingThread("backfill") { backfill.run() }
    uplinks.start()
    session.start()
    return Rooms(
      session: session, room: room, derive: derive, uplinks: uplinks, backfill: backfill, outbox: outbox, board: board,
      examination: examination, journalThread: journalThread, deriveThread: deriveThread)
  }

  private var warn: @Sendable (String) -> Void {
    { [logger] text in logger.warning("\(text)") }
  }

  private func opening<T>(_ body: () throws -> T) throws -> T {
    do {
      return try body()
    } catch {
      let isFull =
        switch error {
        case let error as JournalError: error.kind == .full
        case let error as OutboxError: error.underlying?.kind == .full
        case let error as DatabaseError: error.kind == .full
        default: false
        }
      throw GatewayError(
        .io, String(describing: error), mayPass: isFull || StoreFolder.isReadOnly(settings.store.path))
    }
  }

  private func deriver(
    _ journalPath: String, _ outboxPath: String, _ outbox: Outbox, _ board: StatusBoard, _ incidents: IncidentLog,
    _ counts: DeriveCounts, _ heartbeat: Heartbeat
  ) throws -> Deriver {
    let settings = settings
    let journal = try JournalReader.owner(path: journalPath)
    let uuid = journal.uuid
    return try Deriver(
      settings: settings.deriveSettings, sources: settings.sources, rules: settings.alarms, journal: journal,
      outbox: outbox, outboxPath: outboxPath, statusRecord: { _ in board.report().record },
      damaged: { incidents.note(.damagedSegment($0, $1, journal: uuid)) }, report: warn, counts: counts,
      heartbeat: heartbeat)
  }

  private func session(
    _ room: JournalRoom, _ gate: IngestGate, _ tried: @escaping @Sendable () -> Void
  ) throws -> Session {
    let settings = settings
    let broker = settings.broker
    guard let address = BrokerAddress(url: broker.url) else {
      throw GatewayError(.configuration, "broker.url \(broker.url) is no mqtt:// or mqtts:// address")
    }
    var configuration = SessionConfiguration(
      address: address, username: broker.username,
      password: { try broker.passwordFile.map { try Secret.read(file: $0).value } },
      caFile: broker.caFile.map(Credential.path),
      certFile: broker.certFile.map(Credential.path), keyFile: broker.keyFile.map(Credential.path),
      clientID: broker.clientID,
      filters: ReloadPlan.topics(settings), commitInterval: Int(settings.store.commitInterval.milliseconds),
      commitMessages: settings.store.commitMessages)
    configuration.redact = { [redactor] topic, payload in redactor.redact(topic: topic, payload: payload) }
    configuration.recognisesRedeliveries = FaultControls.ofProcess.recognisesRedeliveries
    return Session(configuration: configuration, sink: IngestSink(room: room, gate: gate)) { [logger] event in
      SessionLog.note(event, room, logger)
      tried()
    }
  }

  private func uplink(_ definition: UplinkDefinition, _ outbox: Outbox, _ backfill: BackfillRoom) throws -> Uplink {
    let calendar = GatewayCalendar(timezone: settings.timezone, alwaysTrusts: settings.trust == .always)
    var definition = definition
    definition.caFile = definition.caFile.map(Credential.path)
    definition.certFile = definition.certFile.map(Credential.path)
    definition.keyFile = definition.keyFile.map(Credential.path)
    let secret = definition.transport == .mqtt ? definition.passwordFile : definition.tokenFile
    return try Uplink(
      definition: definition, outbox: outbox, gateway: settings.gatewayID,
      secret: { try secret.map { try Secret.read(file: $0).value } }, calendar: { calendar.now },
      requests: { backfill.take($0) },
      log: { [logger] level, text in logger.log(level: level == .error ? .error : .info, "\(text)") })
  }
}

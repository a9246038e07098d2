import LocalAPI
import Logging

/// Runs a server for the time of a test, on a port that the system chooses.
func withServer<T: Sendable>(
  status: String = "{}", metrics: String = "", health: (ready: Bool, reasons: [String]) = (true, []),
  _ body: @escaping @Sendable (_ port: Int) async throws -> T
) async throws -> T {
  let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
  let api = LocalAPI(
    host: "127.0.0.1", port: 0, status: { Array(status.utf8) }, metrics: { metrics }, health: { health },
    logger: .silent, onListening: { continuation.yield($0) })
  return try await withThrowingTaskGroup(of: T?.self) { group in
    group.addTask {
      try await api.run()
      return nil
    }
    group.addTask {
      for await port in ports { return try await body(port) }
      return nil
    }
    defer { group.cancelAll() }
    while let result = try await group.next() {
      if let result { return result }
    }
    throw CancellationError()
  }
}

extension Logger {
  static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

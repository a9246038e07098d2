/// The broker's password, asked for at each connection so that it can be changed in place.
enum BrokerPassword {
  static func read(_ source: () throws -> String?) throws(MQTTError) -> String? {
    do {
      return try source()
    } catch {
      throw MQTTError(
        kind: .configuration, operation: "reading the broker's password", reason: "\(error)",
        cure: "password_file must exist and be readable by the user that runs this")
    }
  }
}

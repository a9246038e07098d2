import CMosquitto
import Glibc

/// Turns the library's codes into errors with a cure.
enum Diagnosis {
  /// A call of the library failed. `systemError` is errno right after it; `log` what the library said meanwhile.
  static func failure(
    _ code: Int32, systemError: Int32, log: [String], certificateFault: String?, address: BrokerAddress,
    operation: String
  ) -> MQTTError {
    func error(_ kind: MQTTError.Kind, _ reason: String, _ cure: String) -> MQTTError {
      MQTTError(kind: kind, operation: operation, reason: reason, cure: cure)
    }
    let said = log.isEmpty ? nil : log.joined(separator: "; ")
    switch Int32(code) {
    case Int32(MOSQ_ERR_EAI.rawValue):
      return error(
        .nameUnknown, "the name \(address.host) has no address (\(String(cString: gai_strerror(systemError))))",
        "check the host in [broker] url, and the name service of this box")
    case Int32(MOSQ_ERR_ERRNO.rawValue):
      let text = systemError == 0 ? "the connection broke" : String(cString: strerror(systemError))
      switch systemError {
      case ECONNREFUSED:
        return error(.unreachable, text, "is the broker running, and is the port in [broker] url right?")
      case ENETUNREACH, EHOSTUNREACH, ETIMEDOUT:
        return error(.unreachable, text, "check the cable, the route and the firewall towards the broker")
      case EPROTO:
        return tls(error, log: said, certificateFault: certificateFault, address: address)
      case EMFILE, ENFILE:
        return error(.system, text, "raise the limit of open files (LimitNOFILE)")
      default:
        return error(.closed, text, "")
      }
    case Int32(MOSQ_ERR_TLS.rawValue), Int32(MOSQ_ERR_TLS_HANDSHAKE.rawValue):
      return tls(error, log: said, certificateFault: certificateFault, address: address)
    case Int32(MOSQ_ERR_CONN_LOST.rawValue), Int32(MOSQ_ERR_NO_CONN.rawValue):
      return error(
        .closed, said ?? "the broker closed the connection",
        "the broker's log has the reason; a second client with the same id looks like this, too")
    case Int32(MOSQ_ERR_KEEPALIVE.rawValue):
      return error(.silent, "no answer to a ping within the keepalive", "check the link to the broker")
    case Int32(MOSQ_ERR_PROTOCOL.rawValue), Int32(MOSQ_ERR_MALFORMED_PACKET.rawValue):
      return error(.closed, "the answer is not MQTT as it should be", "is the port in [broker] url that of a broker?")
    case Int32(MOSQ_ERR_NOMEM.rawValue):
      return error(.system, "out of memory", "raise MemoryMax, or lower the size of messages")
    case Int32(MOSQ_ERR_INVAL.rawValue):
      return error(.configuration, said ?? "a value is not valid", "check the section [broker]")
    default:
      let text = String(cString: mosquitto_strerror(code))
      return error(.closed, said.map { "\(text) (\($0))" } ?? text, "")
    }
  }

  private static func tls(
    _ error: (MQTTError.Kind, String, String) -> MQTTError, log: String?, certificateFault: String?,
    address: BrokerAddress
  ) -> MQTTError {
    let log = log ?? ""
    if log.contains("host name verification failed") {
      return error(
        .tls, "the broker's certificate is for another name than \(address.host)",
        "put the name of the certificate into [broker] url, or have it issued for this one")
    }
    if let certificateFault {
      let cure =
        certificateFault.contains("expired")
        ? "renew the broker's certificate; and is this box's clock right?"
        : certificateFault.contains("not yet valid")
          ? "this box's clock is probably behind: set it"
          : "ca_file must hold the authority that signed the broker's certificate"
      return error(.tls, "the broker's certificate is refused: \(certificateFault)", cure)
    }
    if log.contains("certificate verify failed") {
      return error(
        .tls, "the broker's certificate is refused",
        "it may have expired, this box's clock may be wrong, and ca_file must hold the authority that signed it")
    }
    if log.contains("alert") {
      return error(
        .tls, "the broker refused TLS (\(log))",
        "cert_file and key_file must be ones that the broker accepts, and not expired")
    }
    if log.contains("wrong version number") || log.contains("packet length too long") {
      return error(.tls, "no TLS is spoken there", "is the port in [broker] url the TLS one? Usually it is 8883")
    }
    return error(.tls, log.isEmpty ? "TLS failed" : log, "check ca_file, cert_file and key_file")
  }

  /// The broker answered CONNECT with a refusal. MQTT 3.1.1 codes are 1 to 5, MQTT 5 reason codes from 128.
  static func refusal(_ reason: Int32, operation: String) -> MQTTError {
    let text = reason < 128 ? mosquitto_connack_string(reason) : mosquitto_reason_string(reason)
    let said = text.map { String(cString: $0) } ?? "code \(reason)"
    let kind: MQTTError.Kind
    let cure: String
    switch reason {
    case 1, 132: (kind, cure) = (.protocolVersion, "the broker must speak MQTT 5 or 3.1.1")
    case 2, 133: (kind, cure) = (.refused, "the broker doesn't accept the client id")
    case 4, 134: (kind, cure) = (.refused, "check username and password_file in [broker]")
    case 5, 135: (kind, cure) = (.refused, "check username and password_file, and the broker's access rules")
    case 138: (kind, cure) = (.refused, "this client is banned at the broker")
    case 3, 136, 137: (kind, cure) = (.closed, "")
    default: (kind, cure) = (.refused, "look at the broker's log for the reason")
    }
    return MQTTError(
      kind: kind, operation: operation, reason: "the broker refused: \(said)", cure: cure, code: reason)
  }

  /// The broker ended the session by DISCONNECT (MQTT 5).
  static func farewell(_ reason: Int32, operation: String) -> MQTTError {
    let said = mosquitto_reason_string(reason).map { String(cString: $0) } ?? "code \(reason)"
    if reason == 142 {
      return MQTTError(
        kind: .takenOver, operation: operation, reason: "another client connected with our client id",
        cure: "each gateway needs an id of its own: look for a second one with the same [gateway] id")
    }
    return MQTTError(
      kind: .closed, operation: operation, reason: "the broker said goodbye: \(said)",
      cure: reason == 139 ? "" : "look at the broker's log for the reason", code: reason)
  }

  /// What a broker answered to a subscription; nil where it granted QoS 1.
  static func subscription(_ code: Int32) -> String? {
    switch code {
    case 1, 2: nil
    case 0: "granted at QoS 0 only: what comes isn't acknowledged, and may be lost"
    case 128: "refused by the broker: check its access rules"
    default:
      "refused by the broker: " + (mosquitto_reason_string(code).map { String(cString: $0) } ?? "code \(code)")
    }
  }
}

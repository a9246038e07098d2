import CMosquitto
import CSocketBuffer
import Glibc

/// What a client's callbacks tell, on the thread that drives it, from within its own calls.
protocol ClientDelegate: AnyObject {
  /// The broker answered CONNECT: 0, or why not.
  func client(accepted reason: Int32, sessionPresent: Bool)
  /// The connection ended: a reason of MQTT 5 from 128, or a code of the library below.
  func client(disconnected reason: Int32)
  /// Valid within the call only.
  func client(received message: borrowing IncomingMessage)
  func client(subscribed messageID: Int32, codes: UnsafeBufferPointer<Int32>)
  func client(unsubscribed messageID: Int32)
  /// A PUBACK came, or a message of QoS 0 was written.
  func client(published messageID: Int32, reason: Int32)
}

/// One client of libmosquitto, for the life of its owner, driven by an external loop on one thread.
///
/// `mosquitto_threaded_set` keeps every call from writing to the socket: the queue leaves with `write()` alone.
final class Client {
  private(set) var address: BrokerAddress
  /// Owns the client and drives it, so it outlives every callback; checked references would cost with each message.
  fileprivate unowned(unsafe) let delegate: any ClientDelegate
  private let handle: OpaquePointer
  /// `nil` for a client that needs none.
  private let buffer: OpaquePointer?
  /// What the library said while connecting. Afterwards it isn't asked, since it would format a line per message.
  fileprivate var log: [String] = []

  /// The code for a connection that simply ended.
  static let connectionLost = Int32(MOSQ_ERR_CONN_LOST.rawValue)

  private static let library: Int32 = mosquitto_lib_init()

  /// - Parameter isBuffered: for many small packets: reads and writes of an accepted connection are joined, but for TLS,
  ///   which has records of its own.
  init(
    address: BrokerAddress, clientID: String, cleanStart: Bool, caFile: String?, certFile: String?, keyFile: String?,
    isBuffered: Bool = false, delegate: any ClientDelegate
  ) throws(MQTTError) {
    _ = Client.library
    self.address = address
    self.delegate = delegate
    guard let handle = mosquitto_new(clientID, cleanStart, nil) else {
      throw MQTTError(
        kind: .configuration, operation: "making the MQTT client \(clientID)",
        reason: String(cString: strerror(errno)), cure: "the client id must be UTF-8 and not empty")
    }
    self.handle = handle
    buffer = isBuffered && address.scheme == .mqtt ? lumbung_socket_buffer_make() : nil
    mosquitto_user_data_set(handle, Unmanaged.passUnretained(self).toOpaque())
    mosquitto_threaded_set(handle, true)
    setCallbacks()
    if address.scheme == .mqtts { try setTLS(caFile: caFile, certFile: certFile, keyFile: keyFile) }
  }

  deinit {
    mosquitto_destroy(handle)
    if let buffer { lumbung_socket_buffer_free(buffer) }
  }

  private func setTLS(caFile: String?, certFile: String?, keyFile: String?) throws(MQTTError) {
    for (key, file) in [("ca_file", caFile), ("cert_file", certFile), ("key_file", keyFile)] {
      guard let file, access(file, R_OK) != 0 else { continue }
      throw MQTTError(
        kind: .configuration, operation: "reading \(key) \(file)", reason: String(cString: strerror(errno)),
        cure: "the file must exist and be readable by the user that runs this")
    }
    if caFile == nil { mosquitto_int_option(handle, MOSQ_OPT_TLS_USE_OS_CERTS, 1) }
    let code = mosquitto_tls_set(
      handle, caFile, caFile == nil ? "/etc/ssl/certs" : nil, certFile, keyFile,
      // A key with a passphrase would make OpenSSL ask at a terminal that isn't there.
      { _, _, _, _ in 0 })
    guard code == 0, mosquitto_tls_opts_set(handle, 1, "tlsv1.2", nil) == 0 else {
      throw MQTTError(
        kind: .configuration, operation: "setting up TLS to \(address)",
        reason: String(cString: mosquitto_strerror(code)), cure: "cert_file and key_file go together")
    }
  }

  // MARK: Connecting

  struct Connect {
    var version: ProtocolVersion
    var keepalive: Int
    var username: String?
    var password: String?
    var receiveMaximum: UInt16
    var sessionExpiry: UInt32?
    var maximumPacket: UInt32?
  }

  /// Resolves, opens the socket and queues CONNECT. Blocks while the network does. Whatever waited in the queue of an
  /// earlier connection is thrown away unwritten.
  func connect(_ connect: Connect) throws(MQTTError) {
    log.removeAll()
    attach(-1)
    mosquitto_log_callback_set(handle, onLog)
    mosquitto_int_option(handle, MOSQ_OPT_PROTOCOL_VERSION, Int32(connect.version.rawValue))
    mosquitto_int_option(handle, MOSQ_OPT_RECEIVE_MAXIMUM, Int32(connect.receiveMaximum))
    var code = mosquitto_username_pw_set(handle, connect.username, connect.password)
    var properties: OpaquePointer?
    defer { mosquitto_property_free_all(&properties) }
    if connect.version == .v5 {
      if let expiry = connect.sessionExpiry, code == 0 {
        code = mosquitto_property_add_int32(&properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL.code, expiry)
      }
      if let packet = connect.maximumPacket, code == 0 {
        code = mosquitto_property_add_int32(&properties, MQTT_PROP_MAXIMUM_PACKET_SIZE.code, packet)
      }
    }
    errno = 0
    if code == 0 {
      code = mosquitto_connect_bind_v5(
        handle, address.host, Int32(address.port), Int32(connect.keepalive), nil, properties)
    }
    guard code != 0 else { return }
    throw failure(code, operation: "connecting to \(address)")
  }

  /// The next connection goes there, to another node of the same cluster: what is outstanding goes along.
  func aim(at other: BrokerAddress) { address = other }

  /// The broker accepted: the library's log is no longer asked.
  func accepted() {
    mosquitto_log_callback_set(handle, nil)
    log.removeAll()
    attach(socket)
  }

  private func attach(_ socket: Int32) {
    if let buffer { lumbung_socket_buffer_attach(buffer, socket) }
  }

  /// What a failed call means; to be asked at once, while errno is still that of the call.
  func failure(_ code: Int32, operation: String) -> MQTTError {
    let systemError = errno
    let fault = address.scheme == .mqtts ? CertificateFault.of(connection: mosquitto_ssl_get(handle)) : nil
    return Diagnosis.failure(
      code, systemError: systemError, log: log, certificateFault: fault, address: address, operation: operation)
  }

  // MARK: The loop

  /// Changes with each connection; negative where there is none.
  var socket: Int32 { mosquitto_socket(handle) }
  var wantsWrite: Bool { mosquitto_want_write(handle) || buffer.map(lumbung_socket_buffer_has_unsent) == true }
  /// Whether something was received that no poll of the socket shows.
  var hasUnread: Bool { buffer.map(lumbung_socket_buffer_has_unread) == true }
  /// System calls for reading and sending so far, where they are joined.
  var joinedCalls: Int { buffer.map(lumbung_socket_buffer_calls) ?? 0 }

  /// Reads about one packet and calls back.
  func read() -> Int32 {
    guard let buffer else { return mosquitto_loop_read(handle, 1) }
    lumbung_socket_buffer_enter(buffer)
    let code = mosquitto_loop_read(handle, 1)
    _ = lumbung_socket_buffer_leave()
    return code
  }

  /// Writes the whole queue, as far as the socket takes it. The library makes a system call for each packet; joined, or
  /// corked meanwhile, they leave in few segments, and the broker wakes once for them and not for each.
  func write() -> Int32 {
    if let buffer { return writeJoined(buffer) }
    let descriptor = socket
    cork(descriptor, 1)
    let code = mosquitto_loop_write(handle, 1)
    // The library closes the socket where the write fails.
    let systemError = errno
    if socket == descriptor { cork(descriptor, 0) }
    errno = systemError
    return code
  }

  private func writeJoined(_ buffer: OpaquePointer) -> Int32 {
    guard lumbung_socket_buffer_flush(buffer) else { return Client.connectionLost }
    if lumbung_socket_buffer_has_unsent(buffer) { return 0 }
    lumbung_socket_buffer_enter(buffer)
    let code = mosquitto_loop_write(handle, 1)
    _ = lumbung_socket_buffer_leave()
    guard code == 0, socket >= 0 else { return code }
    return lumbung_socket_buffer_flush(buffer) ? 0 : Client.connectionLost
  }

  private func cork(_ descriptor: Int32, _ corked: Int32) {
    var corked = corked
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_CORK, &corked, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Queues a ping where one is due.
  func keepAlive() -> Int32 { mosquitto_loop_misc(handle) }

  /// Closes the socket without writing the queue: the socket is shut first, so that the write, which makes the
  /// library close it, fails.
  func sever() {
    attach(-1)
    let descriptor = socket
    guard descriptor >= 0 else { return }
    shutdown(descriptor, Int32(SHUT_RDWR))
    mosquitto_disconnect(handle)
    _ = mosquitto_loop_write(handle, 1)
  }

  /// Writes what waits and DISCONNECT, and waits until the broker has closed its side, no longer than until then.
  ///
  /// The library closes the socket right behind DISCONNECT. Where data lies unread in it, the kernel would reset the
  /// connection, and the broker lose what it hasn't read yet. So a second descriptor keeps it open.
  func leave(until deadline: Int64) {
    let descriptor = socket
    guard descriptor >= 0 else { return }
    while let buffer, lumbung_socket_buffer_has_unsent(buffer), lumbung_socket_buffer_flush(buffer),
      lumbung_socket_buffer_has_unsent(buffer), Monotonic.now() < deadline
    {
      _ = Client.wait(for: POLLOUT, on: descriptor, until: deadline)
    }
    // DISCONNECT leaves before the library closes the socket.
    attach(-1)
    let kept = dup(descriptor)
    mosquitto_disconnect(handle)
    while socket >= 0, Monotonic.now() < deadline, write() == 0, socket >= 0 {
      _ = Client.wait(for: POLLOUT, on: descriptor, until: deadline)
    }
    guard kept >= 0 else { return sever() }
    cork(kept, 0)
    shutdown(kept, Int32(SHUT_WR))
    var bytes = [UInt8](repeating: 0, count: 16 * 1024)
    while Client.wait(for: POLLIN, on: kept, until: deadline), Glibc.read(kept, &bytes, bytes.count) > 0 {}
    close(kept)
    sever()
  }

  /// False where the time was over first.
  private static func wait(for interest: Int32, on descriptor: Int32, until deadline: Int64) -> Bool {
    let left = max(0, (deadline - Monotonic.now() + 999_999) / 1_000_000)
    var entry = pollfd(fd: descriptor, events: Int16(interest), revents: 0)
    return poll(&entry, 1, Int32(clamping: left)) > 0
  }

  // MARK: Packets

  /// Returns the packet's identifier, or nil where the library refused.
  func subscribe(_ filters: [String], qos: Int32, options: Int32) -> Int32? {
    withCStrings(filters) { pointers in
      var messageID: Int32 = 0
      let code = mosquitto_subscribe_multiple(
        handle, &messageID, Int32(filters.count), pointers, qos, options, nil)
      return code == 0 ? messageID : nil
    }
  }

  func unsubscribe(_ filters: [String]) -> Int32? {
    withCStrings(filters) { pointers in
      var messageID: Int32 = 0
      let code = mosquitto_unsubscribe_multiple(handle, &messageID, Int32(filters.count), pointers, nil)
      return code == 0 ? messageID : nil
    }
  }

  /// Returns the library's code, and the packet's identifier.
  ///
  /// - Parameter labels: User properties, for MQTT 5 alone: else the library refuses the message.
  func publish(
    topic: String, payload: UnsafeRawBufferPointer, qos: UInt8, retain: Bool, labels: [(String, String)] = []
  ) -> (Int32, Int32) {
    var messageID: Int32 = 0
    var properties: OpaquePointer?
    defer { mosquitto_property_free_all(&properties) }
    for (name, value) in labels {
      mosquitto_property_add_string_pair(&properties, MQTT_PROP_USER_PROPERTY.code, name, value)
    }
    let code = mosquitto_publish_v5(
      handle, &messageID, topic, Int32(clamping: payload.count), payload.baseAddress, Int32(qos), retain, properties)
    return (code, messageID)
  }

  /// Why the library refused a message outright; nil where it queued it, even if the connection broke meanwhile.
  static func unpublishable(_ code: Int32) -> String? {
    switch code {
    case Int32(MOSQ_ERR_INVAL.rawValue), Int32(MOSQ_ERR_MALFORMED_UTF8.rawValue),
      Int32(MOSQ_ERR_PAYLOAD_SIZE.rawValue), Int32(MOSQ_ERR_OVERSIZE_PACKET.rawValue),
      Int32(MOSQ_ERR_QOS_NOT_SUPPORTED.rawValue), Int32(MOSQ_ERR_NOMEM.rawValue):
      String(cString: mosquitto_strerror(code))
    default: nil
    }
  }

  func setWill(topic: String, payload: [UInt8], qos: UInt8, retain: Bool) -> Int32 {
    payload.withUnsafeBytes {
      mosquitto_will_set(handle, topic, Int32(clamping: $0.count), $0.baseAddress, Int32(qos), retain)
    }
  }

  static func isValidFilter(_ filter: String) -> Bool {
    mosquitto_sub_topic_check(filter) == 0 && mosquitto_validate_utf8(filter, Int32(clamping: filter.utf8.count)) == 0
  }

  private func withCStrings<T>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> T
  ) -> T {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeMutableBufferPointer { buffer in
      // Never empty: callers pass at least one.
      buffer.baseAddress.map { body(UnsafePointer($0)) } ?? withUnsafePointer(to: nil) { body($0) }
    }
  }

  // MARK: Callbacks

  private func setCallbacks() {
    mosquitto_connect_v5_callback_set(handle) { _, context, reason, flags, _ in
      Client.from(context) { $0.delegate.client(accepted: reason, sessionPresent: flags & 1 == 1) }
    }
    mosquitto_disconnect_v5_callback_set(handle) { _, context, reason, _ in
      Client.from(context) { $0.delegate.client(disconnected: reason) }
    }
    mosquitto_message_callback_set(handle) { _, context, message in
      guard let message, let topic = message.pointee.topic else { return }
      let fields = message.pointee
      Client.from(context) {
        $0.delegate.client(
          received: IncomingMessage(
            topic: UnsafeRawBufferPointer(start: topic, count: strlen(topic)),
            payload: UnsafeRawBufferPointer(start: fields.payload, count: Int(fields.payloadlen)),
            packetID: UInt16(truncatingIfNeeded: fields.mid), qos: UInt8(truncatingIfNeeded: fields.qos),
            retained: fields.retain))
      }
    }
    mosquitto_subscribe_callback_set(handle) { _, context, messageID, count, codes in
      Client.from(context) {
        $0.delegate.client(
          subscribed: messageID, codes: UnsafeBufferPointer(start: codes, count: codes == nil ? 0 : Int(count)))
      }
    }
    mosquitto_unsubscribe_callback_set(handle) { _, context, messageID in
      Client.from(context) { $0.delegate.client(unsubscribed: messageID) }
    }
    mosquitto_publish_v5_callback_set(handle) { _, context, messageID, reason, _ in
      Client.from(context) { $0.delegate.client(published: messageID, reason: reason) }
    }
  }

  fileprivate static func from(_ context: UnsafeMutableRawPointer?, _ body: (Client) -> Void) {
    guard let context else { return }
    let suspended = lumbung_socket_buffer_leave()
    Unmanaged<Client>.fromOpaque(context)._withUnsafeGuaranteedRef(body)
    if let suspended { lumbung_socket_buffer_enter(suspended) }
  }

  /// Only errors and warnings: the rest is a line per packet. Bounded, since what is said is shown.
  fileprivate func said(_ level: Int32, _ text: String) {
    guard level & (MOSQ_LOG_ERR | MOSQ_LOG_WARNING) != 0, log.count < 8, !text.isEmpty else { return }
    log.append(String(text.prefix(300)))
  }
}

private func onLog(
  _: OpaquePointer?, _ context: UnsafeMutableRawPointer?, _ level: Int32, _ text: UnsafePointer<CChar>?
) {
  guard let text else { return }
  Client.from(context) { $0.said(level, String(cString: text)) }
}

extension mqtt5_property {
  fileprivate var code: Int32 { Int32(rawValue) }
}

/// What an exchange took on the wire, both ways. libcurl counts HTTP; what TCP, IP and TLS add is estimated, a little
/// on the high side, since a budget that is overdrawn costs more than one that is not quite used:
///
/// - each started 1,400 bytes in either direction travel in a packet with 40 bytes of headers, and every packet is
///   answered for by half an acknowledgement of 40 bytes;
/// - TLS adds 29 bytes to each started 16 KiB;
/// - a new connection costs 240 bytes to open and close, with TLS 6,000 more (certificates, mostly the server's).
enum WireBytes {
  static func estimate(sent: Int64, received: Int64, newConnections: Int64, isTLS: Bool) -> Int64 {
    var total = newConnections * (isTLS ? 6_240 : 240)
    for bytes in [sent, received] where bytes > 0 {
      total += bytes + (bytes + 1_399) / 1_400 * 60
      if isTLS { total += (bytes + 16_383) / 16_384 * 29 }
    }
    return total
  }
}

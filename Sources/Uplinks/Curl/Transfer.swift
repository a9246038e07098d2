/// What one exchange took, and what it told of the link.
struct Transfer: Equatable {
  var sent: Int64 = 0
  var received: Int64 = 0
  var newConnections: Int64 = 0
  /// Bytes in a second, as TCP has measured their delivery; 0 where it hasn't.
  var deliveryRate: Double = 0
  /// The shortest time there and back that was seen, in seconds.
  var trip: Double = 0
}

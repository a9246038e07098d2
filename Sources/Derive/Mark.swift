/// What the gateway itself writes into the journal between the messages, so that a replay knows what it knew.
///
/// A mark is a message whose topic no broker delivers for our filters: topics that begin with `$` match no wildcard.
public enum Mark: String, Sendable {
  /// The session with the broker stands: silence counts from here on.
  case connected
  /// It is gone: a silent device may only be out of hearing.
  case disconnected
  /// A process began.
  case started

  /// All marks have this topic; the payload is the raw value.
  public static let topic = "$lumbung/session"
  public static let prefix = "$lumbung/"
}

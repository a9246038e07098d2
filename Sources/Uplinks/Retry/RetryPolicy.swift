import Telemetry

/// How patient an uplink is.
public struct RetryPolicy: Sendable, Equatable {
  /// The first wait after a failure; it doubles with each further one.
  public var base: Span
  /// The longest wait while the link or the server is down. Half a minute, so that an outage's end is noticed soon; one
  /// request of 16 KiB in that time costs nobody anything.
  public var longest: Span
  /// Between tries while something must be put right by a person, who will want to see that it helped.
  public var slow: Span
  /// What a server may ask for in `Retry-After`. Beyond a quarter of an hour it's more likely a mistake than a wish.
  public var longestAsked: Span
  /// Lone refusals in a row until the destination counts as misconfigured.
  public var refusals: Int

  public init(
    base: Span = .seconds(1), longest: Span = .seconds(30), slow: Span = .minutes(1),
    longestAsked: Span = .minutes(15), refusals: Int = 10
  ) {
    self.base = base
    self.longest = longest
    self.slow = slow
    self.longestAsked = longestAsked
    self.refusals = refusals
  }
}

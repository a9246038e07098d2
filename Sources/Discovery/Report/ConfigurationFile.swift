import Telemetry

/// A whole configuration around a proposal.
public enum ConfigurationFile {
  /// - Parameters:
  ///   - broker: the URL of `[broker]`.
  ///   - time: when it was made.
  public static func whole(_ sources: String, broker: String, at time: Timestamp) -> String {
    """
    # Proposed by `lumbung discover` at \(RFC3339.format(time.floored(to: .seconds(1)))). Comments say why; "Look" marks
    # what a person should look at. Config/gateway.toml explains every key.

    [gateway]
    # Required: the gateway's name at the central server, a-z, 0-9 and -. Change it before the first start, for all
    # records bear it.
    id = "change-me"
    # The zone of devices that send local time and don't say of which.
    # timezone = "Asia/Jakarta"

    [broker]
    url = \(TOMLText.string(broker))
    # username      = "lumbung"
    # password_file = "/etc/lumbung/broker.password"

    [store]
    path     = "/var/lib/lumbung"
    max_size = "512MiB"

    \(sources)
    """
  }

  /// A configuration with the proposal behind what it has.
  public static func extended(_ text: String, with sources: String, at time: Timestamp) -> String {
    guard !sources.isEmpty else { return text }
    let end = text.hasSuffix("\n") ? "" : "\n"
    return text + end + "\n# Proposed by `lumbung discover` at \(RFC3339.format(time.floored(to: .seconds(1)))).\n\n"
      + sources
  }
}

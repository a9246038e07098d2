/// A device that was heard of. Its name is its identity; made only by `Registry`.
///
/// What else is said of it may be settled anew by its registry, after a restart with another configuration: so it belongs
/// to the thread that owns the registry, like everything that is looked up there.
public final class Device: @unchecked Sendable {
  public let name: String
  public internal(set) var deviceClass: DeviceClass
  public internal(set) var site: String?
  /// How often a healthy device reports; `nil` where no source says.
  public internal(set) var interval: Span?
  /// What else its source says of it, by which groups can be formed; each name once, sorted by name.
  public internal(set) var labels: [Series.Label]
  /// Position in the registry that made it: dense from 0, for arrays beside it.
  public let index: Int
  /// Known only from an earlier run: the first source that names it settles the rest.
  var isProvisional: Bool

  init(
    name: String, deviceClass: DeviceClass, site: String?, interval: Span?, labels: [Series.Label], index: Int,
    isProvisional: Bool
  ) {
    self.name = name
    self.deviceClass = deviceClass
    self.site = site
    self.interval = interval
    self.labels = labels
    self.index = index
    self.isProvisional = isProvisional
  }

  /// The label's value; `nil` where the device doesn't bear it.
  public func label(_ name: String) -> String? { labels.first { $0.name == name }?.value }
}

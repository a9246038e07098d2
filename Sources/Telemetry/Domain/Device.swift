/// A device that was heard of. Its name is its identity; made only by `Registry`.
public final class Device: Sendable {
  public let name: String
  public let deviceClass: DeviceClass
  public let site: String?
  /// How often a healthy device reports; `nil` where no source says.
  public let interval: Span?
  /// Position in the registry that made it: dense from 0, for arrays beside it.
  public let index: Int

  init(name: String, deviceClass: DeviceClass, site: String?, interval: Span?, index: Int) {
    self.name = name
    self.deviceClass = deviceClass
    self.site = site
    self.interval = interval
    self.index = index
  }
}

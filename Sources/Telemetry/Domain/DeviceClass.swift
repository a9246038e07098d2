/// What a device is. The raw values are those of the configuration and of the records.
public enum DeviceClass: String, Sendable, CaseIterable {
  case camera
  case videotron
  case fiberNode = "fiber-node"
  case other
}

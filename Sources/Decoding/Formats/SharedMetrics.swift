import Telemetry

/// Metrics that several formats emit.
enum SharedMetrics {
  static let availability = CatalogueEntry(
    "availability", "1", .state, "online, degraded, stopped, offline or unknown")
  static let temperature = CatalogueEntry("hw.temperature", "Cel", .gauge, "temperature")
  static let humidity = CatalogueEntry("hw.humidity", "%", .gauge, "relative humidity")
  static let voltage = CatalogueEntry("hw.voltage", "V", .gauge, "voltage")
  static let current = CatalogueEntry("hw.current", "A", .gauge, "electric current")
  static let power = CatalogueEntry("hw.power", "W", .gauge, "active power")
  static let energy = CatalogueEntry("hw.energy", "J", .counter, "energy taken since the meter was set up")
  static let uptime = CatalogueEntry("system.uptime", "s", .gauge, "time since the device or program started")
  static let motion = CatalogueEntry("camera.motion", "1", .state, "whether motion is seen: true or false")
  static let tamper = CatalogueEntry(
    "camera.tamper", "1", .state, "whether the view is covered, moved or defocused: true or false")
  static let signalLoss = CatalogueEntry("camera.signal_loss", "1", .state, "whether the video signal is gone")
  static let recording = CatalogueEntry("camera.recording", "1", .state, "whether recording is on: true or false")
  static let objectInside = CatalogueEntry(
    "camera.object_inside", "1", .state, "whether an object is in the field or scenario: true or false")
  static let lineCrossed = CatalogueEntry("camera.line_crossed", "1", .event, "an object crossed a line")
  static let counted = CatalogueEntry("camera.count", "1", .counter, "objects counted since the counter was reset")
  static let objects = CatalogueEntry(
    "camera.objects", "1", .gauge, "objects in a frame or area; label object is their class")
  static let digitalInput = CatalogueEntry(
    "digital_input", "1", .state, "a digital input or port: true (active) or false")
  static let relay = CatalogueEntry("relay", "1", .state, "a relay output: true (active) or false")
  static let storageFailure = CatalogueEntry("hw.storage.failure", "1", .state, "whether a disk or card failed")
}

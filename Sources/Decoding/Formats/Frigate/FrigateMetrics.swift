import Telemetry

/// What `format = "frigate"` emits. Cameras are `{prefix}/{camera}`, class camera; the server is `{prefix}`, class
/// other.
enum FrigateMetrics {
  static let cameraRates: [(field: StaticString, entry: CatalogueEntry)] = [
    ("camera_fps", CatalogueEntry("camera.fps", "1/s", .gauge, "frames that the camera delivers")),
    ("process_fps", CatalogueEntry("camera.process_fps", "1/s", .gauge, "frames looked at")),
    ("skipped_fps", CatalogueEntry("camera.skipped_fps", "1/s", .gauge, "frames left out for want of time")),
    ("detection_fps", CatalogueEntry("camera.detection_fps", "1/s", .gauge, "detections run")),
    ("expected_fps", CatalogueEntry("camera.expected_fps", "1/s", .gauge, "frames that the camera should deliver")),
    ("reconnects_last_hour", CatalogueEntry("camera.reconnects", "1/h", .gauge, "reconnects in the last hour")),
    ("stalls_last_hour", CatalogueEntry("camera.stalls", "1/h", .gauge, "stalls of the stream in the last hour")),
    ("audio_rms", CatalogueEntry("camera.audio.rms", "1", .gauge, "loudness, root mean square")),
    ("audio_dBFS", CatalogueEntry("camera.audio.level", "dB", .gauge, "loudness below full scale")),
  ]
  static let audioRMS = entry("camera.audio.rms")
  static let audioLevel = entry("camera.audio.level")
  static let connectionQuality = CatalogueEntry(
    "camera.connection_quality", "1", .state, "excellent, fair, poor or unusable")
  static let detectionEnabled = CatalogueEntry(
    "camera.detection", "1", .state, "whether object detection is on: true or false")
  static let objects = CatalogueEntry(
    "camera.objects", "1", .gauge, "objects in view; label object is their kind")
  static let activeObjects = CatalogueEntry(
    "camera.objects.active", "1", .gauge, "moving objects in view; label object is their kind")
  static let detections = CatalogueEntry(
    "camera.detections", "1", .event, "a new tracked object; label object is its kind, attribute id its key")
  static let detectionScore = CatalogueEntry(
    "camera.detection.score", "1", .gauge, "how sure the detector is of a tracked object, 0 to 1; label object")
  static let detectionDuration = CatalogueEntry(
    "camera.detection.duration", "s", .gauge, "how long a tracked object was followed; label object")
  static let reviews = CatalogueEntry("camera.reviews", "1", .event, "a new review item; attributes id, severity")
  static let reviewSeverity = CatalogueEntry(
    "camera.review.severity", "1", .state, "of the latest review item: alert or detection")
  static let reviewStatus = CatalogueEntry(
    "camera.review.status", "1", .state, "what goes on at present: none, detection or alert")
  static let audioHeard = CatalogueEntry(
    "camera.audio.heard", "1", .state, "whether a kind of sound is heard; label sound is its kind")
  static let setting = CatalogueEntry(
    "camera.setting", "1", .state, "a switch of the camera's, true or false, or a word; label setting is its name")
  static let settingValue = CatalogueEntry(
    "camera.setting.value", "1", .gauge, "a number set for the camera; label setting is its name")
  static let inferenceTime = CatalogueEntry(
    "frigate.detector.inference_time", "ms", .gauge, "time that one detection takes; label detector")
  static let detectionRate = CatalogueEntry(
    "frigate.detection_fps", "1/s", .gauge, "detections run for all cameras together")
  static let gpu = CatalogueEntry("hw.gpu.utilization", "1", .gauge, "share of the GPU in use, 0 to 1; label gpu")
  static let gpuMemory = CatalogueEntry(
    "hw.gpu.memory.utilization", "1", .gauge, "share of the GPU's memory in use, 0 to 1; label gpu")
  static let cpu = CatalogueEntry("system.cpu.utilization", "1", .gauge, "share of the processor in use, 0 to 1")
  static let memory = CatalogueEntry("system.memory.utilization", "1", .gauge, "share of the memory in use, 0 to 1")
  static let storageUsed = CatalogueEntry(
    "system.filesystem.usage", "By", .gauge, "storage used; label mountpoint")
  static let storageLimit = CatalogueEntry(
    "system.filesystem.limit", "By", .gauge, "storage there is; label mountpoint")

  static let updates = CatalogueEntry(
    "camera.object_updates", "1", .event,
    "something was found out about a tracked object; label type says what, attribute id is its key")
  static let updateScore = CatalogueEntry(
    "camera.object_update.score", "1", .gauge, "how sure that is, 0 to 1; label type")

  private static func entry(_ metric: String) -> CatalogueEntry {
    cameraRates.first { $0.entry.metric == metric }?.entry ?? cameraRates[0].entry
  }

  static let all: [CatalogueEntry] =
    cameraRates.map(\.entry) + [
      SharedMetrics.availability, SharedMetrics.motion, SharedMetrics.recording, SharedMetrics.temperature,
      SharedMetrics.uptime, connectionQuality, detectionEnabled, objects, activeObjects, detections, detectionScore,
      detectionDuration, reviews, reviewSeverity, reviewStatus, audioHeard, setting, settingValue, inferenceTime,
      detectionRate, gpu, gpuMemory, cpu, memory, storageUsed, storageLimit, updates,
      updateScore,
    ]
}

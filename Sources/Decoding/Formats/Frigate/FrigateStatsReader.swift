import Telemetry

/// `stats`: cameras under `cameras`, at the root in 0.8; the only time is `service.last_updated`.
final class FrigateStatsReader: TopicReader {
  private let server: FrigateServer

  init(_ server: FrigateServer) { self.server = server }

  var device: Device? { nil }
  var payloadDecidesDevice: Bool { true }

  func read(_ payload: UnsafeRawBufferPointer, into message: Message) -> Decoder.Outcome {
    let root: JSONValue
    do throws(DecodingFault) { root = try message.json.parse(payload) } catch { return .refused(error) }
    guard root.kind == .object else {
      return .refused(DecodingFault(path: "", "\(root.kindName), not an object of statistics"))
    }
    guard let host = server.device else {
      return .refused(DecodingFault(payload: "the limit of known devices is reached", limit: .devices))
    }
    let service = root.member("service")
    let moment =
      if let time = server.format.time {
        message.moment(time.time(in: root, message))
      } else {
        message.moment(service?.member("last_updated")?.number.flatMap(Timestamp.init(seconds:)))
      }
    let scope = JSONScope(message: message, moment: moment)
    if let cameras = root.member("cameras"), cameras.kind == .object {
      for (key, camera) in cameras.members { take(camera: camera, key, "/cameras/", scope) }
    } else {
      for (key, value) in root.members where value.member("camera_fps") != nil { take(camera: value, key, "/", scope) }
    }
    scope.number(root.member("detection_fps"), host, FrigateMetrics.detectionRate, "/detection_fps")
    take(detectors: root.member("detectors"), host, scope)
    take(gpus: root.member("gpu_usages"), host, scope)
    if let whole = root.member("cpu_usages")?.member("frigate.full_system") {
      scope.percent(whole.member("cpu"), host, FrigateMetrics.cpu, "/cpu_usages/frigate.full_system/cpu")
      scope.percent(whole.member("mem"), host, FrigateMetrics.memory, "/cpu_usages/frigate.full_system/mem")
    }
    if let service { take(service: service, host, scope) }
    return message.outcome(nothing: "no statistics in the payload")
  }

  private func take(camera: JSONValue, _ key: UnsafeRawBufferPointer, _ prefix: String, _ scope: JSONScope) {
    guard let name = scope.message.shortText(key, path: prefix), !name.isEmpty else { return }
    let path = prefix + JSONPointer.escape(name)
    guard let device = server.camera(name) else {
      return scope.message.fault(DecodingFault(path: path, "the limit of known devices is reached", limit: .devices))
    }
    guard camera.kind == .object else {
      return scope.message.fault(DecodingFault(path: path, "\(camera.kindName), not a camera's statistics"))
    }
    for (field, entry) in FrigateMetrics.cameraRates {
      scope.number(camera.member(field), device, entry, "\(path)/\(field)")
    }
    scope.state(
      camera.member("connection_quality"), device, FrigateMetrics.connectionQuality, "\(path)/connection_quality")
    scope.flag(
      camera.member("detection_enabled"), device, FrigateMetrics.detectionEnabled, "\(path)/detection_enabled")
  }

  private func take(detectors: JSONValue?, _ host: Device, _ scope: JSONScope) {
    guard let detectors else { return }
    for (key, detector) in detectors.members {
      guard let name = scope.message.shortText(key, path: "/detectors") else { continue }
      scope.number(
        detector.member("inference_speed"), host, FrigateMetrics.inferenceTime,
        "/detectors/\(JSONPointer.escape(name))/inference_speed", labels: [Series.Label("detector", name)])
    }
  }

  private func take(gpus: JSONValue?, _ host: Device, _ scope: JSONScope) {
    guard let gpus else { return }
    for (key, gpu) in gpus.members {
      guard let name = scope.message.shortText(key, path: "/gpu_usages") else { continue }
      let path = "/gpu_usages/" + JSONPointer.escape(name)
      let labels = [Series.Label("gpu", name)]
      scope.percent(gpu.member("gpu"), host, FrigateMetrics.gpu, path + "/gpu", labels: labels)
      scope.percent(gpu.member("mem"), host, FrigateMetrics.gpuMemory, path + "/mem", labels: labels)
      scope.number(gpu.member("temp"), host, SharedMetrics.temperature, path + "/temp", labels: labels)
    }
  }

  private func take(service: JSONValue, _ host: Device, _ scope: JSONScope) {
    scope.number(service.member("uptime"), host, SharedMetrics.uptime, "/service/uptime")
    if let temperatures = service.member("temperatures") {
      for (key, value) in temperatures.members {
        guard let name = scope.message.shortText(key, path: "/service/temperatures") else { continue }
        scope.number(
          value, host, SharedMetrics.temperature, "/service/temperatures/\(JSONPointer.escape(name))",
          labels: [Series.Label("sensor", name)])
      }
    }
    guard let storage = service.member("storage") else { return }
    for (key, mount) in storage.members {
      guard let name = scope.message.shortText(key, path: "/service/storage") else { continue }
      let path = "/service/storage/" + JSONPointer.escape(name)
      let labels = [Series.Label("mountpoint", name)]
      // Frigate divides by 2^20.
      scope.number(
        mount.member("used"), host, FrigateMetrics.storageUsed, path + "/used", labels: labels, scale: 1_048_576)
      scope.number(
        mount.member("total"), host, FrigateMetrics.storageLimit, path + "/total", labels: labels, scale: 1_048_576)
    }
  }
}

import Telemetry

/// Finds the device that a source's messages concern: what the source says goes before what the format implies.
struct Naming {
  let source: SourceDefinition
  let defaultClass: DeviceClass
  let registry: Registry

  /// `name` is the format's default. `extra` are captures that the format adds to the topic's.
  /// `nil` where the registry's limit is reached.
  func device(
    _ captures: [String: String], default name: String, extra: [String: String] = [:],
    class implied: DeviceClass? = nil
  ) -> Device? {
    let all = captures.merging(extra) { topic, _ in topic }
    return register(source.device?.fill(all) ?? name, all, class: implied)
  }

  /// One of the things behind a server: a camera of a recorder, say. A device template that names the thing, by
  /// `{key}` or by the capture that holds it, is the device's name; another one names the server, and the thing's own
  /// name follows it.
  func device(
    _ captures: [String: String], behind server: String, key: String, _ thing: String,
    class implied: DeviceClass? = nil
  ) -> Device? {
    var all = captures
    if all[key] == nil { all[key] = thing }
    var name = server.isEmpty ? thing : server + "/" + thing
    if let template = source.device, let filled = template.fill(all) {
      let isNamed = template.captureNames.contains { all[$0] == thing }
      name = isNamed ? filled : filled + "/" + thing
    }
    return register(name, all, class: implied)
  }

  private func register(_ name: String, _ captures: [String: String], class implied: DeviceClass?) -> Device? {
    registry.device(
      name, class: source.deviceClass ?? implied ?? defaultClass, site: source.site?.fill(captures),
      interval: source.interval, labels: source.deviceLabels(captures))
  }
}

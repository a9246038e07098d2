import Telemetry

/// Values of a built-in format's payloads of which nothing is made, and why: for explanations and the documentation.
public struct LeftOut: Sendable, Hashable {
  /// A JSON Pointer; `*` is any run of characters within one key or index, `**` at the end all that is left.
  public let path: String
  public let reason: String

  init(_ path: String, _ reason: String) {
    self.path = path
    self.reason = reason
  }

  public func covers(_ pointer: String) -> Bool {
    let wanted = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    let given = pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    let named = wanted.last == "**" ? wanted.dropLast() : wanted
    guard wanted.last == "**" ? given.count >= named.count : given.count == named.count else { return false }
    return zip(named, given).allSatisfy { Glob(String($0)).matches(String($1)) }
  }
}

extension Decoder {
  /// What a built-in format leaves out of the payloads that it knows.
  public static func leftOut(of format: String) -> [LeftOut] { BuiltInFormat(rawValue: format)?.leftOut ?? [] }
}

extension BuiltInFormat {
  /// The first that covers a path gives its reason.
  var leftOut: [LeftOut] {
    switch self {
    case .json, .scalar: []
    case .frigate: LeftOut.frigate
    case .onvif: LeftOut.onvif
    case .axis: LeftOut.axis
    case .tasmota: LeftOut.tasmota
    case .telegraf: LeftOut.telegraf
    case .sparkplug: LeftOut.sparkplug
    case .senml: LeftOut.senml
    }
  }
}

extension LeftOut {
  fileprivate static let frigate = [
    LeftOut("/before/**", "what was true before"),
    LeftOut("/after/**", "where the object is in the picture, whose it is, and what is stored of it"),
    LeftOut("/id", "the key of an object that is not new"),
    LeftOut("/description", "about people"), LeftOut("/name", "about people"), LeftOut("/plate", "about people"),
    LeftOut("/attribute", "about people"), LeftOut("/sub_label", "about people"), LeftOut("/model", "about people"),
    LeftOut("/cameras/*/**", "numbers of processes"), LeftOut("/processes/**", "processes of the server"),
    LeftOut("/cpu_usages/**", "processes of the server"), LeftOut("/bandwidth_usages/**", "processes of the server"),
    LeftOut("/npu_usages/**", "no documented meaning"), LeftOut("/embeddings/**", "no documented meaning"),
    LeftOut("/detectors/*/**", "numbers of processes"), LeftOut("/gpu_usages/**", "parts of the GPU's load"),
    LeftOut("/service/**", "versions, and what follows from used and total"),
    LeftOut("/camera_fps", "the sum of the cameras'"), LeftOut("/process_fps", "the sum of the cameras'"),
    LeftOut("/skipped_fps", "the sum of the cameras'"), LeftOut("/*/pid", "a process"),
    LeftOut("/*/capture_pid", "a process"), LeftOut("/*/ffmpeg_pid", "a process"),
    LeftOut("/*/read_start", "a time within the program"), LeftOut("/*/frame_info/**", "a time within the program"),
  ]

  fileprivate static let onvif = [
    LeftOut("/@context/**", "names of namespaces"), LeftOut("/Frame/**", "where objects are in the picture"),
    LeftOut("/SensorData/**", "no value of the sensor's"),
    LeftOut("/Key/ObjectI*", "an object's passing number"), LeftOut("/Source/ObjectI*", "an object's passing number"),
    LeftOut("/Data/**", "beside the value that the topic's rule takes"),
  ]

  fileprivate static let axis = [
    LeftOut("/serial", "the topic says the same"),
    LeftOut("/frame/**", "where objects are in the picture, and which they are"),
    LeftOut("/message/key/objectI*", "an object's passing number"),
    LeftOut("/message/data/**", "beside the value that the topic's rule takes"),
  ]

  fileprivate static let tasmota = [
    LeftOut("/*/StatusTim/**", "no reading"),
    LeftOut("/Time", "Epoch goes before it"), LeftOut("/Uptime", "UptimeSec says the same"),
    LeftOut("/StatusSNS/Time", "Epoch goes before it"), LeftOut("/StatusSTS/Time", "Epoch goes before it"),
    LeftOut("/StatusSTS/Uptime", "UptimeSec says the same"),
    LeftOut("/Sleep", "a setting"), LeftOut("/SleepMode", "a setting"), LeftOut("/SpeedUnit", "a setting"),
    LeftOut("/TempUnit", "only F is another unit"), LeftOut("/PressureUnit", "hPa, or no pressure is there"),
    LeftOut("/ENERGY/**", "sums of a day or a reporting period, which follow from the total"),
    LeftOut("/StatusSNS/ENERGY/**", "sums of a day or a reporting period, which follow from the total"),
    LeftOut("/Wifi/**", "where the device is in the network"),
    LeftOut("/StatusSTS/Wifi/**", "where the device is in the network"),
    LeftOut("/ZbReceived/**", "names of the device, and texts"),
    LeftOut("/*/**", "a text, or a list inside a list"),
  ]

  /// By the tag's name: those of a line as well as those of a JSON point.
  fileprivate static let telegraf: [LeftOut] = {
    var all: [LeftOut] = []
    for tags in ["/tags/", "/*/tags/", "/metrics/*/tags/"] {
      for name in ["agent_host", "sysName", "sysLocation", "sysDescr", "sysContact", "host"] {
        all.append(LeftOut(tags + name, "about the device or the collector, not the series"))
      }
      for name in ["ifDescr", "ifIndex"] { all.append(LeftOut(tags + name, "another tag names the interface")) }
      for name in ["ifAlias", "*descr*"] { all.append(LeftOut(tags + name, "a description that anyone may change")) }
      all.append(LeftOut(tags + "path", "of an interface: where the collector found it"))
    }
    return all
  }()

  fileprivate static let sparkplug = [
    LeftOut("/seq", "only a gap in it means something"),
    LeftOut("/timestamp", "where each metric has a time of its own, and of a will, which was written before"),
    LeftOut("/metrics/bdSeq/*", "only the session's number counts"), LeftOut("/uuid", "names the schema"),
    LeftOut("/body", "of a schema of its own"),
    LeftOut("/metrics/*/datatype", "told by the field of the value, but for whole numbers"),
    LeftOut("/metrics/*/template/metrics/*/datatype", "told by the field of the value, but for whole numbers"),
    LeftOut("/metrics/*/is_historical", "the value's own time says it"),
    LeftOut("/metrics/*/is_transient", "whether others should keep it"),
    LeftOut("/metrics/*/metadata/**", "about files and texts"),
    LeftOut("/metrics/*/properties/**", "all but quality and unit"),
    LeftOut("/metrics/*/template/version", "of the template, not the device"),
    LeftOut("/metrics/*/template/template_ref", "of the template, not the device"),
    LeftOut("/metrics/*/template/parameters/**", "of the template, not the device"),
  ]

  fileprivate static let senml = [
    LeftOut("/*/bver", "only a version that is not known means something"),
    LeftOut("/*/ut", "how soon the next record may come"), LeftOut("/*/vd", "data of no known form"),
    LeftOut("/*/n", "of a record without a value that is taken"), LeftOut("/*/l", "links"),
    LeftOut("/*/bv", "no value is there to add it to"),
    LeftOut("/*/bs", "no sum is there to add it to"), LeftOut("/*/bt", "no value is there that has its time"),
    LeftOut("/*/bu", "every value has a unit of its own"), LeftOut("/*/bn", "no value is there that has its name"),
  ]
}

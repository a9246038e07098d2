/// A transition of an alarm, as section 4 of the contract has it.
public struct AlarmRecord: Sendable, Equatable {
  public enum Transition: String, Sendable {
    case raised, cleared
  }

  /// The same however often the alarm is derived again.
  public var id: String
  public var transition: Transition
  public var device: String
  public var deviceClass: DeviceClass
  public var site: String?
  public var rule: String
  public var severity: AlarmRule.Severity
  /// `nil` for silence.
  public var metric: String?
  public var value: Double?
  public var threshold: Double?
  public var time: Timestamp
  public var message: String

  public init(
    id: String, transition: Transition, device: String, deviceClass: DeviceClass, site: String?, rule: String,
    severity: AlarmRule.Severity, metric: String?, value: Double?, threshold: Double?, time: Timestamp, message: String
  ) {
    self.id = id
    self.transition = transition
    self.device = device
    self.deviceClass = deviceClass
    self.site = site
    self.rule = rule
    self.severity = severity
    self.metric = metric
    self.value = value
    self.threshold = threshold
    self.time = time
    self.message = message
  }

  /// The record's fields, without `seq`, which the outbox gives.
  public func write(to writer: inout JSONWriter) {
    writer.object { json in
      json.field("type", "alarm")
      json.field("id", id)
      json.field("transition", transition.rawValue)
      json.field("device", device)
      json.field("class", deviceClass.rawValue)
      if let site { json.field("site", site) }
      json.field("rule", rule)
      json.field("severity", severity.rawValue)
      if let metric { json.field("metric", metric) }
      if let value { json.field("value", value) }
      if let threshold { json.field("threshold", threshold) }
      json.field("time", time)
      json.field("message", message)
    }
  }
}

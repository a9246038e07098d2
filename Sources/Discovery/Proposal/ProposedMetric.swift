import Telemetry

/// A `[[source.metric]]` that is proposed.
struct ProposedMetric: Sendable {
  var name: String
  /// `nil` for one value a topic.
  var path: String?
  var unit = "1"
  var kind = MetricKind.gauge
  /// Through which array or object the path goes, with a label for each of its things.
  var each: String?
  var scale: Double?
  var isAvailability = false
  /// What a person should look at.
  var doubt: String?
}

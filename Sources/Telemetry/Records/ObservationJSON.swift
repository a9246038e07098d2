extension Observation {
  /// One line as `lumbung decode` prints it.
  public func write(to writer: inout JSONWriter) {
    writer.object { json in
      json.field("device", series.device.name)
      json.field("class", series.device.deviceClass.rawValue)
      if let site = series.device.site { json.field("site", site) }
      json.field("metric", series.metric)
      if !series.labels.isEmpty {
        json.object("labels") { labels in
          for label in series.labels { labels.field(label.name, label.value) }
        }
      }
      switch value {
      case .number(let number): json.field("value", number)
      case .state(let state): json.field("value", state)
      case .event(let count, _): json.field("value", count)
      }
      json.field("unit", series.unit)
      json.field("kind", series.kind.rawValue)
      json.field("time", time)
      json.field("time_source", timeSource.rawValue)
      if case .event(_, let attributes) = value, !attributes.isEmpty {
        json.object("attributes") { object in
          for attribute in attributes { object.field(attribute.name, attribute.value) }
        }
      }
    }
  }
}

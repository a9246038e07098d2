import Telemetry

/// A payload of Sparkplug B (the Eclipse Tahu `sparkplug_b.proto`), as far as readings need it.
struct SparkplugPayload {
  struct Metric {
    enum Value {
      case none
      case int(UInt32)
      case long(UInt64)
      case float(Float)
      case double(Double)
      case bool(Bool)
      case text(UnsafeRawBufferPointer)
      /// An instance of a template, whose members are metrics, or its definition.
      case template(UnsafeRawBufferPointer, origin: Int)
      /// Bytes, data sets: what no reading can be made of.
      case other
    }

    var name: UnsafeRawBufferPointer?
    var alias: UInt64?
    var timestamp: UInt64?
    var datatype: UInt64?
    var isHistorical = false
    var isNull = false
    var value = Value.none
    var properties = SparkplugProperties()
    /// Where it begins in the payload.
    var offset = 0
  }

  private(set) var timestamp: UInt64?
  private(set) var seq: UInt64?
  private(set) var metrics: [Metric] = []

  /// The session's number, in births and deaths of nodes.
  var bdSeq: UInt64? {
    metrics.first { $0.name?.equals("bdSeq") ?? false }.flatMap { metric in
      switch metric.value {
      case .int(let value): UInt64(value)
      case .long(let value): value
      default: nil
      }
    }
  }

  init(_ payload: UnsafeRawBufferPointer, limit: Int) throws(DecodingFault) {
    var reader = ProtobufReader(payload)
    while let (number, field) = try reader.next() {
      switch (number, field) {
      case (1, .varint(let value)): timestamp = value
      case (2, .bytes(let bytes)):
        guard metrics.count < limit else { throw DecodingFault(payload: "more than \(limit) metrics", limit: .fields) }
        metrics.append(try SparkplugPayload.metric(bytes, origin: reader.offset - bytes.count))
      case (3, .varint(let value)): seq = value
      case (4, .bytes(let uuid)) where uuid.equals("SPBV1.0_COMPRESSED"):
        throw DecodingFault(byte: reader.offset - uuid.count, "a compressed payload; set the device to send plain ones")
      default: break
      }
    }
  }

  private static func metric(_ bytes: UnsafeRawBufferPointer, origin: Int) throws(DecodingFault) -> Metric {
    var metric = Metric()
    metric.offset = origin
    var reader = ProtobufReader(bytes, origin: origin)
    while let (number, field) = try reader.next() {
      switch (number, field) {
      case (1, .bytes(let name)):
        if let invalid = UTF8Check.firstInvalid(name) {
          throw DecodingFault(byte: reader.offset - name.count + invalid, "invalid UTF-8")
        }
        metric.name = name
      case (2, .varint(let value)): metric.alias = value
      case (3, .varint(let value)): metric.timestamp = value
      case (4, .varint(let value)): metric.datatype = value
      case (5, .varint(let value)): metric.isHistorical = value != 0
      case (7, .varint(let value)): metric.isNull = value != 0
      case (9, .bytes(let value)):
        metric.properties = try SparkplugProperties(value, origin: reader.offset - value.count)
      case (10, .varint(let value)): metric.value = .int(UInt32(truncatingIfNeeded: value))
      case (11, .varint(let value)): metric.value = .long(value)
      case (12, .fixed32(let value)): metric.value = .float(Float(bitPattern: value))
      case (13, .fixed64(let value)): metric.value = .double(Double(bitPattern: value))
      case (14, .varint(let value)): metric.value = .bool(value != 0)
      case (15, .bytes(let value)): metric.value = .text(value)
      case (18, .bytes(let value)): metric.value = .template(value, origin: reader.offset - value.count)
      case (16...19, _): metric.value = .other
      default: break
      }
    }
    return metric
  }

  /// Templates inside one another; the specification's examples have two.
  static let templateDepth = 8

  /// The members of a template's instance; `nil` for its definition, whose values are none of the device's.
  static func members(
    ofTemplate bytes: UnsafeRawBufferPointer, origin: Int, limit: Int
  ) throws(DecodingFault) -> [Metric]? {
    var members: [Metric] = []
    var reader = ProtobufReader(bytes, origin: origin)
    while let (number, field) = try reader.next() {
      switch (number, field) {
      case (2, .bytes(let bytes)):
        guard members.count < limit else { throw DecodingFault(payload: "more than \(limit) metrics", limit: .fields) }
        members.append(try metric(bytes, origin: reader.offset - bytes.count))
      case (5, .varint(let isDefinition)) where isDefinition != 0: return nil
      default: break
      }
    }
    return members
  }
}

/// The data types of Sparkplug B that have a sign or a meaning of their own.
enum SparkplugType {
  /// A whole number in the field for 32 or 64 bits, as its data type has it: signed ones are two's complement in
  /// unsigned fields. An unknown type counts as unsigned.
  static func number(_ bits: UInt64, _ datatype: UInt64?) -> Double {
    switch datatype {
    case 1: Double(Int8(truncatingIfNeeded: bits))
    case 2: Double(Int16(truncatingIfNeeded: bits))
    case 3: Double(Int32(truncatingIfNeeded: bits))
    case 4: Double(Int64(bitPattern: bits))
    default: Double(bits)
    }
  }

  /// A unit as a device writes it, in UCUM; `nil` where it is not known.
  static func unit(_ text: UnsafeRawBufferPointer?) -> String? {
    text.flatMap { UnitText.find(String(utf8: $0.trimmed))?.unit }
  }
}

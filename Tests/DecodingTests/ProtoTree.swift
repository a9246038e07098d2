/// A protobuf message whose fields have names, so that a test can change each of them.
enum ProtoTree {
  indirect enum Value: Sendable {
    case number(UInt64)
    case double(Double)
    case text(String)
    case message([Field])
  }

  struct Field: Sendable {
    let name: String
    let number: UInt64
    let value: Value

    init(_ name: String, _ number: UInt64, _ value: Value) {
      self.name = name
      self.number = number
      self.value = value
    }
  }

  struct Change {
    let path: String
    let variant: Int
  }

  /// How many other values `bytes` knows for a field.
  static let variants = 4

  /// All fields that hold no others.
  static func paths(_ fields: [Field], _ prefix: String = "") -> [String] {
    fields.flatMap { field in
      let path = "\(prefix)/\(field.name)"
      if case .message(let inner) = field.value { return paths(inner, path) }
      return [path]
    }
  }

  static func bytes(_ fields: [Field], _ prefix: String, change: Change?) -> [UInt8] { encode(fields, "", change) }

  private static func encode(_ fields: [Field], _ prefix: String, _ change: Change?) -> [UInt8] {
    var proto = Proto()
    for field in fields {
      let path = "\(prefix)/\(field.name)"
      let variant = change.flatMap { $0.path == path ? $0.variant : nil }
      switch field.value {
      case .number(let value):
        proto.number(field.number, variant.map { [value &+ 1, value == 0 ? 1 : 0, value ^ 3, 11][$0] } ?? value)
      case .double(let value):
        proto.double(field.number, variant.map { value + Double($0) + 0.5 } ?? value)
      case .text(let value):
        proto.data(field.number, Array((variant.map { ["", value + "x", "V", "x"][$0] } ?? value).utf8))
      case .message(let inner): proto.data(field.number, encode(inner, path, change))
      }
    }
    return proto.bytes
  }
}

/// A node's birth, readings and death, with every field that the schema has for them.
enum SparkplugLife {
  static let messages: [(type: String, fields: [ProtoTree.Field])] = [
    ("NBIRTH", birth), ("NDATA", data), ("NDEATH", death),
  ]

  private typealias Field = ProtoTree.Field
  private static let time: UInt64 = 1_795_318_700_000

  private static func metric(_ name: String, _ fields: [Field]) -> Field {
    Field("metrics/\(name)", 2, .message(fields))
  }

  private static let birth: [Field] = [
    Field("timestamp", 1, .number(time)),
    metric(
      "bdSeq",
      [
        Field("name", 1, .text("bdSeq")), Field("timestamp", 3, .number(time)), Field("datatype", 4, .number(8)),
        Field("long_value", 11, .number(5)),
      ]),
    metric(
      "suhu",
      [
        Field("name", 1, .text("suhu")), Field("alias", 2, .number(1)), Field("timestamp", 3, .number(time)),
        Field("datatype", 4, .number(3)), Field("is_transient", 6, .number(0)), Field("is_null", 7, .number(0)),
        Field("metadata", 8, .message(metadata)),
        Field(
          "properties", 9,
          .message([
            Field("keys/0", 1, .text("engUnit")), Field("keys/1", 1, .text("Quality")),
            Field("values/0", 2, .message([Field("type", 1, .number(12)), Field("string_value", 8, .text("°C"))])),
            Field("values/1", 2, .message([Field("type", 1, .number(3)), Field("int_value", 3, .number(192))])),
          ])),
        Field("int_value", 10, .number(30)),
      ]),
    metric(
      "pintu",
      [
        Field("name", 1, .text("pintu")), Field("alias", 2, .number(2)), Field("datatype", 4, .number(11)),
        Field("boolean_value", 14, .number(0)),
      ]),
    metric(
      "model",
      [
        Field("name", 1, .text("model")), Field("timestamp", 3, .number(time)), Field("datatype", 4, .number(12)),
        Field("string_value", 15, .text("ODC")),
      ]),
    metric(
      "pompa",
      [
        Field("name", 1, .text("pompa")), Field("datatype", 4, .number(19)),
        Field(
          "template", 18,
          .message([
            Field("version", 1, .text("1")),
            metric(
              "arus",
              [
                Field("name", 1, .text("arus")), Field("alias", 2, .number(9)), Field("datatype", 4, .number(10)),
                Field("double_value", 13, .double(1.5)),
              ]),
            Field("parameters/0", 3, .message([Field("name", 1, .text("p")), Field("type", 2, .number(3))])),
            Field("template_ref", 4, .text("Pompa")), Field("is_definition", 5, .number(0)),
          ])),
      ]),
    Field("seq", 3, .number(0)), Field("uuid", 4, .text("u")), Field("body", 5, .text("b")),
  ]

  private static let metadata: [Field] = [
    Field("is_multi_part", 1, .number(0)), Field("content_type", 2, .text("c")), Field("size", 3, .number(4)),
    Field("seq", 4, .number(0)), Field("file_name", 5, .text("f")), Field("file_type", 6, .text("t")),
    Field("md5", 7, .text("m")), Field("description", 8, .text("d")),
  ]

  private static let data: [Field] = [
    Field("timestamp", 1, .number(time + 60_000)),
    metric("suhu", [Field("alias", 2, .number(1)), Field("int_value", 10, .number(0xffff_fffb))]),
    metric("pintu", [Field("alias", 2, .number(2)), Field("int_value", 10, .number(1))]),
    metric("arus", [Field("alias", 2, .number(9)), Field("double_value", 13, .double(2.5))]),
    metric(
      "daya",
      [
        Field("name", 1, .text("daya")), Field("timestamp", 3, .number(time + 30_000)),
        Field("datatype", 4, .number(1)), Field("is_historical", 5, .number(1)), Field("is_null", 7, .number(0)),
        Field("int_value", 10, .number(0xf0)),
      ]),
    metric(
      "rusak",
      [
        Field("name", 1, .text("rusak")), Field("timestamp", 3, .number(time + 30_000)),
        Field("datatype", 4, .number(10)), Field("is_null", 7, .number(0)), Field("double_value", 13, .double(1)),
      ]),
    metric(
      "jam",
      [
        Field("name", 1, .text("jam")), Field("datatype", 4, .number(8)),
        Field("long_value", 11, .number(77)),
      ]),
    Field("seq", 3, .number(1)),
  ]

  private static let death: [Field] = [
    Field("timestamp", 1, .number(time)),
    metric(
      "bdSeq",
      [
        Field("name", 1, .text("bdSeq")), Field("timestamp", 3, .number(time)), Field("datatype", 4, .number(8)),
        Field("long_value", 11, .number(5)),
      ]),
  ]
}

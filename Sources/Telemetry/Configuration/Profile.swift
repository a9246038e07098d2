/// A mapping profile, validated: what the messages of one kind of device mean. Read from a TOML file by `Settings`,
/// carried in a `SourceDefinition`, executed by `Decoding`. `docs/mapping.md` explains the language.
public struct Profile: Sendable, Hashable {
  public var name: String
  /// One line for people.
  public var about: String
  public var deviceClass: DeviceClass
  /// Defaults: what the source says goes before.
  public var device: Template
  public var site: Template?
  /// What devices behind one bridge have in common: a metric with `children` concerns all of them.
  public var bridge: Template?
  public var messages: [MessageRule]

  public init(
    name: String, about: String = "", deviceClass: DeviceClass = .other, device: Template, site: Template? = nil,
    bridge: Template? = nil, messages: [MessageRule]
  ) {
    self.name = name
    self.about = about
    self.deviceClass = deviceClass
    self.device = device
    self.site = site
    self.bridge = bridge
    self.messages = messages
  }

  /// All that a template may name besides places in the payload.
  public var captureNames: [String] {
    var names = TopicTail.implied
    for message in messages {
      for name in message.topic.captureNames + MessageRule.captures(of: message.each ?? "") where !names.contains(name)
      {
        names.append(name)
      }
    }
    return names
  }
}

/// A `[[message]]`: which messages it takes, and what is in them. The first that fits takes a message, alone.
public struct MessageRule: Sendable, Hashable {
  public var topic: TopicTail
  /// Why nothing is taken, where nothing is.
  public var ignore: String?
  public var when: Conditions?
  public var drop: Conditions?
  /// Places (JSON Pointers) of which the first that is there stands for the payload.
  public var roots: [String]
  /// A pointer with captures in place of keys and indices: the rule holds for each thing that it reaches.
  public var each: String?
  public var device: Template?
  public var deviceClass: DeviceClass?
  /// A list to fall back along.
  public var times: [TimeRule]
  /// The payload holds only what has changed: that nothing of it is wanted is no fault.
  public var delta: Bool
  /// Whether a payload is refused in which a key stands twice; else the first counts, and the rest is a fault.
  public var refusesDuplicateKeys: Bool
  public var metrics: [MetricRule]

  public init(
    topic: TopicTail, ignore: String? = nil, when: Conditions? = nil, drop: Conditions? = nil, roots: [String] = [],
    each: String? = nil, device: Template? = nil, deviceClass: DeviceClass? = nil, times: [TimeRule] = [],
    delta: Bool = false, refusesDuplicateKeys: Bool = false, metrics: [MetricRule] = []
  ) {
    self.topic = topic
    self.ignore = ignore
    self.when = when
    self.drop = drop
    self.roots = roots
    self.each = each
    self.device = device
    self.deviceClass = deviceClass
    self.times = times
    self.delta = delta
    self.refusesDuplicateKeys = refusesDuplicateKeys
    self.metrics = metrics
  }

  /// The names in `/sensors/{n}/{field}`.
  public static func captures(of path: String) -> [String] {
    path.split(separator: "/", omittingEmptySubsequences: false).compactMap(capture)
  }

  /// The name, where a token of a path is a capture.
  public static func capture(_ token: some StringProtocol) -> String? {
    guard token.count > 2, token.hasPrefix("{"), token.hasSuffix("}") else { return nil }
    return String(token.dropFirst().dropLast())
  }
}

/// A list of tables of which one must hold; all tests of a table must.
public struct Conditions: Sendable, Hashable {
  public struct Test: Sendable, Hashable {
    /// A JSON Pointer, or a capture as `{name}`.
    public var operand: String
    /// One of them must be there; `*` is anything that is there. Without regard to case, numbers by their value.
    public var words: [String]

    public init(_ operand: String, _ words: [String]) {
      self.operand = operand
      self.words = words
    }
  }

  public var alternatives: [[Test]]

  public init(_ alternatives: [[Test]]) { self.alternatives = alternatives }
}

/// Where a payload says when, and how.
public struct TimeRule: Sendable, Hashable {
  public enum Form: Sendable, Hashable {
    case unit(TimeMapping.Unit)
    /// With `%Y %m %d %H %M %S` and their kin.
    case pattern(String)
  }

  /// JSON Pointer.
  public var path: String
  public var form: Form
  /// IANA zone of times that bear none; the source's where not given.
  public var zone: String?

  public init(path: String, form: Form, zone: String? = nil) {
    self.path = path
    self.form = form
    self.zone = zone
  }
}

/// A `[[message.metric]]`: one value of a payload, or one for each of several things in it.
public struct MetricRule: Sendable, Hashable {
  /// What a value of another set becomes.
  public enum Words: Sendable, Hashable {
    /// `*` stands for all other values; what becomes an empty text is none.
    case table([String: String], exactCase: Bool)
    /// `on`, `yes`, `active`, `1` … become `true`, their opposites `false`; other words are faults.
    case boolean
    /// The words of last wills become `online`, `degraded`, `stopped`, `offline` or `unknown`; others are faults.
    case availability
  }

  /// May hold captures: `homie.{node}.{property}`.
  public var name: Template
  public var unit: String
  /// `nil`: a number is a gauge, all else a state.
  public var kind: MetricKind?
  /// JSON Pointers of which the first that has a value counts; empty for a constant and for the event itself.
  public var paths: [String]
  /// Said in place of what a path would give.
  public var constant: String?
  public var each: String?
  /// Sorted by name. One that has no value is left out.
  public var labels: [Label]
  public var attributes: [Label]
  public var when: Conditions?
  public var drop: Conditions?
  /// Texts and numbers that mean "no value".
  public var none: [String]
  /// Raw numbers outside of it mean "no value".
  public var valid: ClosedRange<Double>?
  public var words: Words?
  /// number = raw × `scale` + `offset`, or 10·log10(raw × `scale`) + `offset`.
  public var scale: Double
  public var offset: Double
  public var log10: Bool
  /// Any of these characters separates values in one text.
  public var split: String?
  /// Any of these characters separates the words of a set.
  public var tokens: String?
  /// Whether one of these words is in the set.
  public var has: [String]
  /// Concerns all devices behind the same bridge, not the bridge.
  public var children: Bool
  public var about: String

  public struct Label: Sendable, Hashable {
    public var name: String
    public var value: Template

    public init(_ name: String, _ value: Template) {
      self.name = name
      self.value = value
    }
  }

  public init(
    name: Template, unit: String = "1", kind: MetricKind? = .gauge, paths: [String] = [], constant: String? = nil,
    each: String? = nil, labels: [Label] = [], attributes: [Label] = [], when: Conditions? = nil,
    drop: Conditions? = nil, none: [String] = [], valid: ClosedRange<Double>? = nil, words: Words? = nil,
    scale: Double = 1, offset: Double = 0, log10: Bool = false, split: String? = nil, tokens: String? = nil,
    has: [String] = [], children: Bool = false, about: String = ""
  ) {
    self.name = name
    self.unit = unit
    self.kind = kind
    self.paths = paths
    self.constant = constant
    self.each = each
    self.labels = labels
    self.attributes = attributes
    self.when = when
    self.drop = drop
    self.none = none
    self.valid = valid
    self.words = words
    self.scale = scale
    self.offset = offset
    self.log10 = log10
    self.split = split
    self.tokens = tokens
    self.has = has
    self.children = children
    self.about = about
  }
}

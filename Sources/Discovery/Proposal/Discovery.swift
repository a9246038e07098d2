import Decoding
import Settings
import Telemetry

/// What a survey comes to: which devices there are, which of them the present configuration reads, and sources for the
/// others, tried on all that was heard before they are shown.
public struct Discovery: Sendable {
  public let survey: Survey
  /// In the order in which they must stand in the file: where two overlap, the first takes the message.
  public private(set) var sources: [ProposedSource] = []
  /// What the present configuration and the proposal together make of the samples.
  public private(set) var trial: Trial
  /// Profiles that fit and are not installed; their topics are proposed as plain ones.
  public private(set) var absentProfiles: [String] = []
  /// Of the user's own profiles that can't be read.
  public let profileFaults: [String]
  /// Names of the sources that were there before.
  public let existing: [String]

  /// - Parameters:
  ///   - present: the configuration in use; its sources stay, and go before.
  ///   - profiles: where the profiles of a proposal are found.
  /// - Throws: where the present configuration can't be compiled.
  public init(
    _ survey: Survey, present: GatewaySettings? = nil, profiles: ProfileShelf
  ) throws(DecoderSetupFault) {
    self.survey = survey
    existing = present?.sources.map(\.name) ?? []
    let base = present ?? GatewaySettings(gatewayID: "discover")
    trial = try Trial(base, survey)
    let patterns = base.sources.map(\.topic)
    let own = OwnProfiles(profiles)
    profileFaults = own.faults
    var planner = try Planner(survey, own: own) { topic in !patterns.contains { $0.match(topic.topic) != nil } }
    let taken = Set(existing)
    planner.planFormats()
    planner.settle(taken: taken)
    let profileNames = planner.sources.map(\.format).filter { $0.hasPrefix("profile:") }.map { String($0.dropFirst(8)) }
    let wanted = Set(profileNames).sorted()
    let first = try tried(planner.sources, base, profiles)
    planner.sources = first.sources
    absentProfiles = wanted.filter { profiles.path(of: $0) == nil }
    let unread = planner.facts.indices.filter { place in
      // One broken payload is no reason to look for another meaning.
      guard let facts = planner.facts[place] else { return false }
      return first.trial.topics[place].isForeign || first.trial.topics[place].isUnread && facts.isCertain
    }
    planner.planRest(unread: Set(unread))
    planner.settle(taken: taken)
    (sources, trial) = try tried(planner.sources, base, profiles)
  }

  /// The tables, ready for the file.
  public var text: String { sources.map(\.text).joined(separator: "\n") }

  /// Reads the tables as the gateway would, and decodes all samples. What can't be read is left out: a name that no
  /// configuration takes is no reason to propose nothing.
  private func tried(
    _ proposed: [ProposedSource], _ base: GatewaySettings, _ profiles: ProfileShelf
  ) throws(DecoderSetupFault) -> (sources: [ProposedSource], trial: Trial) {
    var kept: [ProposedSource] = []
    var settings = base
    for source in proposed {
      guard let definition = Discovery.definition(of: source, profiles) else { continue }
      kept.append(source)
      settings.sources.append(definition)
    }
    return (kept, try Trial(settings, survey))
  }

  private static func definition(of source: ProposedSource, _ profiles: ProfileShelf) -> SourceDefinition? {
    let text = "[gateway]\nid = \"discover\"\n" + source.text
    guard
      let read = try? GatewaySettings.parse(
        text: text, file: "proposal", knownFormats: Decoder.formats, profiles: profiles),
      let definition = read.sources.first,
      (try? Decoder(sources: [definition], timezone: "UTC", registry: Registry())) != nil
    else { return nil }
    return definition
  }
}

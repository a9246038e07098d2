import Decoding
import Settings
import Telemetry

/// The profiles that the user wrote. They go before what we recognise: who wrote one knows the devices better.
struct OwnProfiles {
  private struct Own {
    let profile: Profile
    let decoder: Decoder
  }

  private var all: [Own] = []
  /// Files that can't be read as profiles, with their faults.
  private(set) var faults: [String] = []

  /// A folder of more profiles than a person writes takes too long with each topic.
  private static let most = 100

  init(_ shelf: ProfileShelf) {
    for name in shelf.ownNames.prefix(OwnProfiles.most) {
      do throws(SettingsFaults) {
        guard let profile = try shelf.profile(named: name), let topic = try? TopicPattern("#") else { continue }
        let source = SourceDefinition(name: name, topic: topic, format: "profile:\(name)", profile: profile)
        guard let decoder = try? Decoder(sources: [source], timezone: "UTC", registry: Registry()) else { continue }
        all.append(Own(profile: profile, decoder: decoder))
      } catch {
        faults += error.faults.map { "\($0)" }
      }
    }
  }

  /// The first of them that has a rule for such a topic, and reads one of its payloads.
  func mark(_ topic: HeardTopic) -> Mark? {
    let levels = topic.levels
    guard levels.count > 1 else { return nil }
    for own in all {
      for rule in own.profile.messages where rule.topic.hasWord {
        guard let prefix = rule.topic.match(topic.topic)?["prefix"], reads(own.decoder, topic) else { continue }
        let head = prefix.isEmpty ? levels.prefix(1) : levels.prefix(prefix.split(separator: "/").count)
        let name = own.profile.name
        return Mark(
          "profile:\(name)", head: head, .beneath, "the topic \(rule.topic) of profiles/\(name).toml, your own")
      }
    }
    return nil
  }

  private func reads(_ decoder: Decoder, _ topic: HeardTopic) -> Bool {
    Array(topic.topic.utf8).withUnsafeBytes { name in
      topic.samples.contains { sample in
        var observations: [Observation] = []
        let outcome = sample.payload.withUnsafeBytes {
          decoder.decode(
            topic: name, payload: $0, Reception(receivedAt: sample.receivedAt, retained: sample.retained),
            into: &observations)
        }
        return switch outcome {
        case .decoded, .partial: true
        case .ignored, .refused, .unrouted: false
        }
      }
    }
  }
}

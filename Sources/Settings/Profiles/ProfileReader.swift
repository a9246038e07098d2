import Telemetry

/// Profiles that one configuration names, each read once.
final class ProfileReader {
  let shelf: ProfileShelf
  private var known: [String: Profile] = [:]
  /// Faults of the profiles' own files.
  private(set) var faults: [SettingsFault] = []
  private var broken: Set<String> = []

  init(_ shelf: ProfileShelf) { self.shelf = shelf }

  enum Answer {
    case profile(Profile)
    /// Its faults are told already.
    case broken
    case absent
  }

  func profile(_ name: String) -> Answer {
    if let profile = known[name] { return .profile(profile) }
    if broken.contains(name) { return .broken }
    do throws(SettingsFaults) {
      guard let profile = try shelf.profile(named: name) else { return .absent }
      known[name] = profile
      return .profile(profile)
    } catch {
      broken.insert(name)
      faults += error.faults
      return .broken
    }
  }
}

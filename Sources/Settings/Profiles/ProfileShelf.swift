import Glibc
import Telemetry

/// The folders in which mapping profiles are looked for, in this order: `NAME.toml` in the first that has it.
public struct ProfileShelf: Sendable, Equatable {
  public let folders: [String]
  /// The one of them in which the user's own profiles lie; `nil` where there is none.
  public let ownFolder: String?

  public init(folders: [String], ownFolder: String? = nil) {
    self.folders = folders
    self.ownFolder = ownFolder
  }

  /// The user's own beside the configuration file, then the package's, then those of a checkout that this program was
  /// built in.
  public static func standard(configuration path: String) -> ProfileShelf {
    let own = folder(of: path) + "/profiles"
    var others = ["/usr/share/lumbung/profiles"]
    if let checkout = checkout() { others.append(checkout) }
    // A configuration that lies in the checkout stands beside the shipped ones.
    let isShipped = others.contains { resolved($0) == resolved(own) }
    return ProfileShelf(folders: [own] + others, ownFolder: isShipped ? nil : own)
  }

  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// `Config/profiles` above the executable's place: a build folder lies at most five levels deep in its checkout.
  private static func checkout() -> String? {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    guard count > 0, count < buffer.count else { return nil }
    var place = String(decoding: buffer[..<count].map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
    for _ in 0..<5 {
      place = folder(of: place)
      if access(place + "/Config/profiles", R_OK | X_OK) == 0 { return place + "/Config/profiles" }
    }
    return nil
  }

  /// All names, sorted, each once.
  public var names: [String] { names(in: folders) }

  /// Names of the user's own profiles, sorted.
  public var ownNames: [String] { names(in: ownFolder.map { [$0] } ?? []) }

  private func names(in folders: [String]) -> [String] {
    var names: Set<String> = []
    for folder in folders {
      guard let directory = opendir(folder) else { continue }
      defer { closedir(directory) }
      while let entry = readdir(directory) {
        let file = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        guard file.hasSuffix(".toml") else { continue }
        let name = String(file.dropLast(5))
        if ProfileShelf.isName(name) { names.insert(name) }
      }
    }
    return names.sorted()
  }

  /// Names are parts of paths: nothing else may be in them.
  static func isName(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { $0 &- 48 < 10 || $0 &- 97 < 26 || $0 == UInt8(ascii: "-") }
  }

  /// The profile's file; `nil` where no folder has one.
  public func path(of name: String) -> String? {
    guard ProfileShelf.isName(name) else { return nil }
    return folders.lazy.map { "\($0)/\(name).toml" }.first { access($0, F_OK) == 0 }
  }

  /// A hundred messages with a hundred metrics each.
  private static let largestFile = 256 << 10

  /// Reads and validates a profile; `nil` where there is none of the name. Throws all faults of its file.
  public func profile(named name: String) throws(SettingsFaults) -> Profile? {
    guard let path = path(of: name) else { return nil }
    let content: BoundedFile.Content
    do throws(BoundedFile.Failure) {
      content = try BoundedFile.read(path, limit: ProfileShelf.largestFile)
    } catch {
      throw SettingsFaults([SettingsFault(file: path, line: nil, message: "can't be read: \(error.reason)")])
    }
    guard let text = String(validating: content.bytes, as: UTF8.self) else {
      throw SettingsFaults([
        SettingsFault(file: path, line: nil, message: "the text is not UTF-8", hint: "save the file in UTF-8")
      ])
    }
    return try Profile(parsing: text, name: name, file: path)
  }
}

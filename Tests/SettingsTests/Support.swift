import Glibc

@testable import Settings

let knownFormats = ["json", "scalar", "frigate", "tasmota", "telegraf"]

/// The profiles that the package brings along.
let shippedProfiles = ProfileShelf(folders: [repositoryFile("Config/profiles")])

/// The least that is a configuration; three lines, so that what a test appends begins on line 4.
let minimal = """
  [gateway]
  id = "g1"


  """

func parsed(_ text: String) throws -> GatewaySettings {
  try GatewaySettings.parse(text: text, file: "test.toml", knownFormats: knownFormats, profiles: shippedProfiles)
}

/// The faults of a text; empty where it has none.
func faults(_ text: String) -> [SettingsFault] {
  do throws(SettingsFaults) {
    _ = try GatewaySettings.parse(text: text, file: "test.toml", knownFormats: knownFormats, profiles: shippedProfiles)
    return []
  } catch {
    return error.faults
  }
}

/// The faults of what is appended to `minimal`.
func faultsBeside(_ text: String) -> [SettingsFault] { faults(minimal + text) }

/// A folder of its own, removed with all that is in it at the end.
final class TemporaryFolder {
  let path: String

  init() {
    var template = Array("/tmp/lumbung-settings-XXXXXX".utf8CString)
    path = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
  }

  deinit { TemporaryFolder.remove(path) }

  private static func remove(_ path: String) {
    if let folder = opendir(path) {
      while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { remove("\(path)/\(name)") }
      }
      closedir(folder)
    }
    _ = Glibc.remove(path)
  }

  /// Writes a file and gives its path.
  func write(_ name: String, _ bytes: some Sequence<UInt8>, mode: mode_t = 0o640) -> String {
    let file = "\(path)/\(name)"
    let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, mode)
    let bytes = Array(bytes)
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { break }
      written += count
    }
    fchmod(descriptor, mode)
    close(descriptor)
    return file
  }

  func write(_ name: String, _ text: String, mode: mode_t = 0o640) -> String { write(name, text.utf8, mode: mode) }
}

/// A file of the repository.
func repositoryFile(_ path: String, from file: String = #filePath) -> String {
  // Resolved, so that it holds for a checkout that is reached by a symbolic link, too.
  let resolved = realpath(file, nil)
  defer { free(resolved) }
  let place = resolved.map { String(cString: $0) } ?? file
  return place.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/" + path
}

func contents(of path: String) throws -> String {
  String(decoding: try BoundedFile.read(path, limit: 1 << 20).bytes, as: UTF8.self)
}

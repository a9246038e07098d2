import Glibc

/// A scratch folder in memory.
final class Folder: Sendable {
  let path: String

  struct Refusal: Error, CustomStringConvertible {
    let description: String
  }

  init(_ name: String) throws {
    var template = Array("/dev/shm/lumbung-faults-\(name)-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else {
      throw Refusal(description: "/dev/shm: \(String(cString: strerror(errno)))")
    }
    path = String(cString: made)
  }

  deinit {
    clear()
    rmdir(path)
  }

  func clear() {
    for name in names { unlink(path + "/" + name) }
  }

  var names: [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    let descriptor = open(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Refusal(description: "\(path)/\(name): \(String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    guard written == bytes.count else {
      throw Refusal(description: "\(path)/\(name): \(String(cString: strerror(errno)))")
    }
  }

  func read(_ name: String) -> [UInt8]? { Folder.contents(of: path + "/" + name) }

  static func contents(of file: String) -> [UInt8]? {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let size = Int(lseek(descriptor, 0, SEEK_END))
    guard size > 0 else { return [] }
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      count = max(0, pread(descriptor, buffer.baseAddress, size, 0))
    }
  }

  /// Nothing but what an earlier program left.
  func begin(_ start: EarlierStore?) throws {
    clear()
    for (name, bytes) in start?.files ?? [] { try write(name, bytes) }
  }

  /// The files as told; nothing else.
  func fill(_ files: [(file: Int, bytes: [UInt8])], _ names: [String]) throws {
    clear()
    // SQLite makes the shared memory anew after a power cut.
    for (file, bytes) in files where !names[file].hasSuffix("-shm") { try write(names[file], bytes) }
  }
}

import Glibc

/// A password or a token, read from a file of its own. Prints as nothing that would tell it.
public struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public let value: String

  public init(_ value: String) { self.value = value }

  public var description: String { "(secret)" }
  public var debugDescription: String { "(secret)" }
  /// `dump` and failed expectations look through mirrors.
  public var customMirror: Mirror { Mirror(self, children: []) }

  /// No password or token of any server comes near.
  private static let largest = 65_536

  /// Reads the secret in `file`, or in the systemd credential of the same base name, which goes first where there is
  /// one. One newline at the end is not part of it.
  ///
  /// Blocks for as long as a small file takes to read.
  public static func read(file: String) throws(SecretError) -> Secret {
    try read(file: file, credentials: getenv("CREDENTIALS_DIRECTORY").map { String(cString: $0) })
  }

  /// - Parameter credentials: the folder in which systemd put what `LoadCredential=` names.
  static func read(file: String, credentials: String?) throws(SecretError) -> Secret {
    if let credentials, let name = file.split(separator: "/").last {
      do throws(SecretError) {
        return try readFile("\(credentials)/\(name)")
      } catch {
        guard error.kind == .absent else { throw error }
      }
    }
    return try readFile(file)
  }

  private static func readFile(_ path: String) throws(SecretError) -> Secret {
    let content: BoundedFile.Content
    do throws(BoundedFile.Failure) {
      content = try BoundedFile.read(path, limit: largest)
    } catch {
      throw refusal(path, error)
    }
    guard content.permissions & 0o007 == 0 else {
      throw SecretError(
        kind: .exposed, file: path, message: "every user of this box may use the secret in \(path)",
        cure: "chmod 640 \(path), and chgrp it to the group that lumbung runs in")
    }
    var bytes = content.bytes[...]
    if bytes.last == UInt8(ascii: "\n") {
      bytes = bytes.dropLast()
      if bytes.last == UInt8(ascii: "\r") { bytes = bytes.dropLast() }
    }
    guard !bytes.isEmpty else {
      throw SecretError(
        kind: .empty, file: path, message: "the secret in \(path) is empty", cure: "write it into the file")
    }
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(where: { $0 < 0x20 || $0 == 0x7f })
    else {
      throw SecretError(
        kind: .notText, file: path, message: "the secret in \(path) is not one line of text",
        cure: "the file must hold the password or the token alone, on its first line")
    }
    return Secret(text)
  }

  private static func refusal(_ path: String, _ failure: BoundedFile.Failure) -> SecretError {
    switch failure {
    case .tooLarge:
      SecretError(
        kind: .tooLarge, file: path, message: "\(path) is larger than 64 KiB: that is no password and no token",
        cure: "the file must hold the secret alone")
    case .absent:
      SecretError(
        kind: .absent, file: path, message: "\(path) can't be read: \(failure.reason)",
        cure: "write the secret into it, or give it as a systemd credential of the same name")
    case .denied, .notAFile, .system:
      SecretError(
        kind: .unreadable, file: path, message: "\(path) can't be read: \(failure.reason)",
        cure: "it must be a file that the user that runs this may read: chgrp lumbung \(path) && chmod 640 \(path)")
    }
  }
}

/// Keys under which people write a secret into the file, and where it belongs.
enum SecretKeys {
  private static let names = [
    "password": "password_file", "passwd": "password_file", "pass": "password_file", "secret": "password_file",
    "token": "token_file", "api_token": "token_file", "api_key": "token_file", "bearer": "token_file",
    "bearer_token": "token_file", "key": "key_file", "private_key": "key_file",
  ]

  /// What helps; `nil` where `key` is no such key, or the table has no key for such a file.
  static func hint(for key: String, known: [String]) -> String? {
    guard let file = names[key.lowercased()] else { return nil }
    let usable = known.contains(file) ? file : known.first { ["password_file", "token_file"].contains($0) }
    guard let usable else { return nil }
    return "write it into a file that only lumbung may read and say \(usable) = \"/etc/lumbung/…\""
  }
}

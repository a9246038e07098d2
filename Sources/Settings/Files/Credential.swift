import Glibc

/// What systemd's `LoadCredential=` gives the service.
public enum Credential {
  /// Where the content of `file` is: the credential of the same base name, where there is one, goes first.
  public static func path(of file: String) -> String {
    path(of: file, credentials: getenv("CREDENTIALS_DIRECTORY").map { String(cString: $0) })
  }

  static func path(of file: String, credentials: String?) -> String {
    guard let credentials, let name = file.split(separator: "/").last else { return file }
    let path = "\(credentials)/\(name)"
    return access(path, F_OK) == 0 ? path : file
  }
}

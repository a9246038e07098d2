/// A file that the configuration names, with the place where it does.
struct NamedFile {
  enum Content {
    /// A password or a token: see `Secret`.
    case secret
    /// Certificates.
    case pem
    /// The key to a certificate: as secret as a password.
    case key
  }

  let path: String
  let key: String
  let line: Int?
  let content: Content

  /// A chain of certificates for a whole country's authorities stays far below.
  private static let largestPEM = 4 << 20

  /// Tells `collector` where the file can't be used as it is.
  func check(_ collector: FaultCollector) {
    switch content {
    case .secret:
      do throws(SecretError) {
        _ = try Secret.read(file: path)
      } catch {
        collector.add("`\(key)`: \(error.message)", line: line, hint: error.cure)
      }
    case .pem, .key:
      let path = Credential.path(of: path)
      do throws(BoundedFile.Failure) {
        let file = try BoundedFile.read(path, limit: NamedFile.largestPEM)
        guard content != .key || file.permissions & 0o007 == 0 else {
          collector.add(
            "`\(key)`: every user of this box may use the key in \(path)", line: line,
            hint: "chmod 640 \(path), and chgrp it to the group that lumbung runs in")
          return
        }
        guard String(decoding: file.bytes, as: UTF8.self).contains("-----BEGIN ") else {
          collector.add(
            "`\(key)`: \(path) holds nothing in PEM form", line: line, hint: "it must contain a line -----BEGIN …-----")
          return
        }
      } catch {
        let hint =
          error == .denied
          ? "make it readable for the user that runs this, such as chgrp lumbung \(path) && chmod 640 \(path)"
          : "put it there, or correct the path"
        collector.add("`\(key)`: \(path) can't be read: \(error.reason)", line: line, hint: hint)
      }
    }
  }
}

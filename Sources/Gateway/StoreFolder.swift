import Glibc

/// The folder of both databases.
enum StoreFolder {
  /// Makes it where it isn't there, for its owner and group only. Its parent must exist.
  static func make(_ path: String) throws {
    if mkdir(path, 0o750) == 0 || errno == EEXIST { return }
    let reason = String(cString: strerror(errno))
    throw GatewayError(
      .io, "making the store's folder \(path): \(reason); set [store] path to a folder that this user may write to")
  }
}

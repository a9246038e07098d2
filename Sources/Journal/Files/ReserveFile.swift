import Glibc

/// Space held beside the journal, to be given up when the disk is full, so that deleting and draining can go on.
struct ReserveFile {
  let path: String
  let size: Int64

  var exists: Bool { size > 0 && FileSystem.size(of: path) == size }

  /// Takes the space for certain, not only the length.
  /// - Returns: false where there is no space for it, or the file system refuses.
  func create() -> Bool {
    guard size > 0 else { return false }
    if exists { return true }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    guard posix_fallocate(descriptor, 0, off_t(size)) == 0, ftruncate(descriptor, off_t(size)) == 0 else {
      unlink(path)
      return false
    }
    return true
  }

  func release() { unlink(path) }
}

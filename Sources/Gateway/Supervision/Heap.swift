import Glibc

/// How the C library deals with memory in this process.
///
/// Its own way is made for programs that have a machine to themselves: an arena for each thread, and blocks up to 32 MiB
/// kept once they were freed. Batches and logs are a few MiB each and pass through several threads, so that up to 20 MiB
/// stayed resident for nothing: measured over restarts with a backlog on a full disk, 74 MiB at most against 56 MiB.
enum Heap {
  /// Before any thread is started. What the library doesn't know it refuses, and all goes on as before.
  static func bound() {
    _ = mallopt(mostArenas, 2)
    _ = mallopt(mappedFrom, kept)
    _ = mallopt(trimmedFrom, kept)
  }

  /// Blocks from this size on are mapped, and given back when they are freed; and so is as much at the heap's end.
  private static let kept: CInt = 256 << 10

  // The names are those of malloc.h.
  /// M_ARENA_MAX.
  private static let mostArenas: CInt = -8
  /// M_MMAP_THRESHOLD.
  private static let mappedFrom: CInt = -3
  /// M_TRIM_THRESHOLD.
  private static let trimmedFrom: CInt = -1
}

/// mallopt(3), which Swift's Glibc leaves out.
@_silgen_name("mallopt")
private func mallopt(_ parameter: CInt, _ value: CInt) -> CInt

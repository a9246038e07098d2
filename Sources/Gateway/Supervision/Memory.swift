import CMalloc
import Glibc

/// Keeps the process small on a box of 512 MiB. What is done here changes no behaviour.
public enum Memory {
  /// How often is given back: seldom enough to cost nothing, and soon after a start, and after a window was sealed.
  static let interval = Duration.seconds(20)
  /// Every so many times pages of the program go, too: what sealing needs once in a window, or a look at the page, stays
  /// resident else. Some hundred come again, which takes a millisecond or two.
  static let roundsToAll = 9
  /// Until the first time: by then it is started.
  static let startInterval = Duration.seconds(5)

  /// Before the first thread: all threads take from two heaps. By default each would have its own, and what one frees
  /// stays its own.
  public static func prepare() {
    _ = mallopt(CInt(LUMBUNG_M_ARENA_MAX.rawValue), 2)
    // Larger pieces go back to the system at once; without this, the first that is freed raises the bound to 32 MiB.
    _ = mallopt(CInt(LUMBUNG_M_MMAP_THRESHOLD.rawValue), 128 << 10)
    _ = mallopt(CInt(LUMBUNG_M_TRIM_THRESHOLD.rawValue), 128 << 10)
  }

  /// Gives back what is free inside the heaps. Takes some milliseconds.
  static func giveBack() { _ = malloc_trim(0) }

  /// Besides, pages of the program and its libraries, most of which were read for starting alone, or once in a while.
  /// Those that are needed come again from the system's cache, without the disk.
  static func giveBackAll() {
    giveBack()
    // Its lock is held meanwhile, so that nothing is unloaded and its addresses used for something else.
    _ = dl_iterate_phdr(
      { _, _, _ in
        for mapping in Memory.untouchedMappings() { madvise(mapping.baseAddress, mapping.count, MADV_DONTNEED) }
        return 1
      }, nil)
  }

  /// Parts of the program and of loaded libraries that were never changed, nor can be: their files have all of them.
  private static func untouchedMappings() -> [UnsafeMutableRawBufferPointer] {
    guard let maps = fopen("/proc/self/smaps", "re") else { return [] }
    defer { fclose(maps) }
    var found: [UnsafeMutableRawBufferPointer] = []
    var candidate: UnsafeMutableRawBufferPointer?
    let program = readlink("/proc/self/exe")
    var line = [CChar](repeating: 0, count: 4096 + 128)
    while fgets(&line, Int32(line.count), maps) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
      let parts = text.split(whereSeparator: \.isWhitespace)
      if parts.first == "Anonymous:" {
        // Pages of its own would be what the loader or somebody else wrote.
        if let candidate, parts.count > 1, parts[1] == "0" { found.append(candidate) }
        candidate = nil
      } else if let range = parts.first.flatMap(range) {
        // 55d0c0a00000-55d0c2572000 r-xp 00000000 fe:01 1234  /usr/bin/lumbung
        let isFixed = parts.count >= 6 && parts[1].hasPrefix("r-") && parts[1].hasSuffix("p")
        candidate = isFixed && (parts[5] == program || parts[5].contains(".so")) ? range : nil
      }
    }
    return found
  }

  private static func readlink(_ path: String) -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = max(0, Glibc.readlink(path, &buffer, buffer.count))
    return String(decoding: buffer.prefix(count).map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
  }

  private static func range(_ text: Substring) -> UnsafeMutableRawBufferPointer? {
    let ends = text.split(separator: "-").compactMap { UInt($0, radix: 16) }
    guard ends.count == 2, ends[0] < ends[1], text.contains("-") else { return nil }
    return UnsafeMutableRawBufferPointer(
      start: UnsafeMutableRawPointer(bitPattern: ends[0]), count: Int(ends[1] - ends[0]))
  }
}

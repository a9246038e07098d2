import CMalloc
import Glibc

/// Keeps the process small on a box of 512 MiB. What is done here changes no behaviour.
public enum Memory {
  /// How often is given back: seldom enough to cost nothing, and soon after a start, and after a window was sealed.
  static let interval = Duration.seconds(20)

  /// Before the first thread: all threads take from two heaps. By default each would have its own, and what one frees
  /// stays its own.
  public static func prepare() {
    mallopt(M_ARENA_MAX, 2)
    // Larger pieces go back to the system at once; without this, the first that is freed raises the bound to 32 MiB.
    mallopt(M_MMAP_THRESHOLD, 128 << 10)
    mallopt(M_TRIM_THRESHOLD, 128 << 10)
  }

  /// Gives back what nobody uses: freed pieces inside the heaps, and pages of the program itself that were read for
  /// what happens once, such as starting. Those that are needed come again from the system's cache, without the disk.
  ///
  /// Takes some milliseconds.
  static func giveBack() {
    malloc_trim(0)
    for text in programText() { madvise(text.baseAddress, text.count, MADV_DONTNEED) }
  }

  /// The program's own code, where it is mapped: never written to, so that the file has all of it.
  private static func programText() -> [UnsafeMutableRawBufferPointer] {
    guard let maps = fopen("/proc/self/maps", "re") else { return [] }
    defer { fclose(maps) }
    var found: [UnsafeMutableRawBufferPointer] = []
    var line = [CChar](repeating: 0, count: 4096 + 128)
    while fgets(&line, Int32(line.count), maps) != nil {
      // 55d0c0a00000-55d0c2572000 r-xp 00000000 fe:01 1234  /usr/bin/lumbung
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      let parts = text.split(whereSeparator: \.isWhitespace)
      guard parts.count >= 6, parts[1] == "r-xp", parts[5].hasPrefix("/") else { continue }
      let ends = parts[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
      guard ends.count == 2, ends[0] < ends[1] else { continue }
      found.append(
        UnsafeMutableRawBufferPointer(
          start: UnsafeMutableRawPointer(bitPattern: ends[0]), count: Int(ends[1] - ends[0])))
    }
    return found
  }
}

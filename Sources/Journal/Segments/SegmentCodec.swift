import CZstd
import Telemetry

/// Content to frame. Keeps its buffers: once warm, a commit allocates next to nothing.
final class SegmentEncoder {
  private let context: OpaquePointer
  private var content: [UInt8] = []
  private var frame: [UInt8] = []

  init() throws(SegmentDamage) {
    guard let context = ZSTD_createCCtx() else { throw SegmentDamage("no memory for zstd") }
    self.context = context
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, SegmentFormat.compressionLevel)
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
  }

  deinit { ZSTD_freeCCtx(context) }

  /// Hands the frame to `body`; it is valid for that call.
  func encode<T>(
    _ batch: SegmentBuilder, journal: String, id: Int64, clock: ClockReading,
    _ body: (UnsafeRawBufferPointer) throws -> T
  ) throws -> T {
    content.removeAll(keepingCapacity: true)
    batch.write(journal: journal, id: id, clock: clock, to: &content)
    guard content.count <= Segment.maximumByteCount, batch.count <= Segment.maximumCount else {
      throw SegmentDamage("\(batch.count) messages of \(content.count) bytes are more than one segment may hold")
    }
    let bound = ZSTD_compressBound(content.count)
    if frame.count < bound { frame = [UInt8](repeating: 0, count: bound) }
    return try frame.withUnsafeMutableBytes { target in
      let written = content.withUnsafeBytes { source in
        ZSTD_compress2(context, target.baseAddress, target.count, source.baseAddress, source.count)
      }
      guard ZSTD_isError(written) == 0 else { throw SegmentDamage(zstd: written) }
      return try body(UnsafeRawBufferPointer(rebasing: target[..<written]))
    }
  }
}

/// Frame to segment. Believes nothing of what the frame says before it is proven.
final class SegmentDecoder {
  private let context: OpaquePointer

  init() throws(SegmentDamage) {
    guard let context = ZSTD_createDCtx() else { throw SegmentDamage("no memory for zstd") }
    self.context = context
  }

  deinit { ZSTD_freeDCtx(context) }

  /// The magic number, and what our own encoder sets in the byte after it: a checksum, no dictionary.
  static func startsLikeFrame(_ bytes: some Collection<UInt8>) -> Bool {
    bytes.count > 4 && bytes.starts(with: [0x28, 0xb5, 0x2f, 0xfd])
  }

  func decode(_ frame: UnsafeRawBufferPointer) throws(SegmentDamage) -> Segment {
    guard SegmentDecoder.startsLikeFrame(frame) else { throw SegmentDamage("it is no zstd frame") }
    // Checksum present; the unused and the reserved bit clear; no dictionary.
    guard frame[4] & 0b0001_1111 == 0b0000_0100 else { throw SegmentDamage("its frame bears no checksum") }
    // "Unknown" and "error" are the largest numbers there are.
    let size = ZSTD_getFrameContentSize(frame.baseAddress, frame.count)
    guard size <= UInt64(Segment.maximumByteCount) else {
      throw SegmentDamage("it claims more than \(Segment.maximumByteCount) bytes of content")
    }
    guard ZSTD_findFrameCompressedSize(frame.baseAddress, frame.count) == frame.count else {
      throw SegmentDamage("its frame does not fill it")
    }
    var result = 0
    let content = [UInt8](unsafeUninitializedCapacity: Int(size)) { target, initialised in
      result = ZSTD_decompressDCtx(context, target.baseAddress, Int(size), frame.baseAddress, frame.count)
      initialised = ZSTD_isError(result) == 0 ? result : 0
    }
    guard ZSTD_isError(result) == 0 else { throw SegmentDamage(zstd: result) }
    guard content.count == Int(size) else { throw SegmentDamage("its content is shorter than it claims") }
    return try Segment(content: content)
  }
}

extension SegmentDamage {
  fileprivate init(zstd code: Int) { self.init("zstd: \(String(cString: ZSTD_getErrorName(code)))") }
}

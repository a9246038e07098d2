import CZlib
import CZstd
import Telemetry

/// gzip and zstd of whole buffers.
enum Codec {
  /// What a batch may expand to. Packing stops at 1 MiB; only a lone record can be larger.
  static let expandedLimit = 64 << 20

  static func compress(_ bytes: [UInt8], _ encoding: UplinkDefinition.Compression) throws(OutboxError) -> [UInt8] {
    switch encoding {
    case .gzip: try gzip(bytes)
    case .zstd: try zstd(bytes)
    }
  }

  static func expand(_ bytes: [UInt8], _ encoding: UplinkDefinition.Compression) throws(OutboxError) -> [UInt8] {
    switch encoding {
    case .gzip: try gunzip(bytes)
    case .zstd: try unzstd(bytes)
    }
  }

  private static func fault(_ code: OutboxError.Code, _ operation: String, _ message: String) -> OutboxError {
    OutboxError(code, operation: operation, path: "a batch", message: message)
  }

  /// Level 6, zlib's default: level 9 gains a per cent on our records and costs twice the time.
  private static func gzip(_ bytes: [UInt8]) throws(OutboxError) -> [UInt8] {
    var stream = z_stream()
    guard lumbung_deflate_init_gzip(&stream, 6) == Z_OK else { throw fault(.compression, "compressing", "no memory") }
    defer { deflateEnd(&stream) }
    var input = bytes
    var code = Z_ERRNO
    let output = [UInt8](unsafeUninitializedCapacity: Int(deflateBound(&stream, UInt(bytes.count)))) { buffer, count in
      input.withUnsafeMutableBufferPointer { source in
        stream.next_in = source.baseAddress
        stream.avail_in = UInt32(source.count)
        stream.next_out = buffer.baseAddress
        stream.avail_out = UInt32(buffer.count)
        code = deflate(&stream, Z_FINISH)
      }
      count = Int(stream.total_out)
    }
    guard code == Z_STREAM_END else { throw fault(.compression, "compressing", "zlib's code \(code)") }
    return output
  }

  private static func gunzip(_ bytes: [UInt8]) throws(OutboxError) -> [UInt8] {
    var stream = z_stream()
    guard lumbung_inflate_init_gzip(&stream) == Z_OK else { throw fault(.compression, "expanding", "no memory") }
    defer { inflateEnd(&stream) }
    var input = bytes
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    var code = Z_OK
    input.withUnsafeMutableBufferPointer { source in
      stream.next_in = source.baseAddress
      stream.avail_in = UInt32(source.count)
      while code == Z_OK, output.count <= expandedLimit {
        let produced = chunk.withUnsafeMutableBufferPointer { buffer in
          stream.next_out = buffer.baseAddress
          stream.avail_out = UInt32(buffer.count)
          code = inflate(&stream, Z_NO_FLUSH)
          return buffer.count - Int(stream.avail_out)
        }
        output.append(contentsOf: chunk[..<produced])
      }
    }
    guard code == Z_STREAM_END else { throw fault(.damagedBatch, "expanding", "zlib's code \(code)") }
    return output
  }

  /// Level 3, zstd's default; with a checksum, as gzip has one, so that a damaged batch is never taken for another.
  private static func zstd(_ bytes: [UInt8]) throws(OutboxError) -> [UInt8] {
    guard let context = ZSTD_createCCtx() else { throw fault(.compression, "compressing", "no memory") }
    defer { ZSTD_freeCCtx(context) }
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 3)
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    var result = 0
    let output = [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { buffer, count in
      result = ZSTD_compress2(context, buffer.baseAddress, buffer.count, bytes, bytes.count)
      count = ZSTD_isError(result) == 0 ? result : 0
    }
    guard ZSTD_isError(result) == 0 else {
      throw fault(.compression, "compressing", String(cString: ZSTD_getErrorName(result)))
    }
    return output
  }

  private static func unzstd(_ bytes: [UInt8]) throws(OutboxError) -> [UInt8] {
    let size = ZSTD_getFrameContentSize(bytes, bytes.count)
    // The two highest values stand for "unknown" and "no zstd"; our own frames always tell their size.
    guard size <= UInt64(expandedLimit) else { throw fault(.damagedBatch, "expanding", "no zstd frame of ours") }
    var result = 0
    let output = [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
      result = ZSTD_decompress(buffer.baseAddress, buffer.count, bytes, bytes.count)
      count = ZSTD_isError(result) == 0 ? result : 0
    }
    guard ZSTD_isError(result) == 0 else {
      throw fault(.damagedBatch, "expanding", String(cString: ZSTD_getErrorName(result)))
    }
    return output
  }
}

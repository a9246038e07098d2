import CZlib
import CZstd

/// How a body was compressed. Decompression stops as soon as the limit is passed, so that a body that unpacks to
/// gigabytes costs no more than one that is just too large.
enum ContentEncoding {
  case identity, gzip, zstd, other(String)

  init(_ header: String?) {
    switch header?.lowercased() {
    case nil, "", "identity": self = .identity
    case "gzip", "x-gzip": self = .gzip
    case "zstd": self = .zstd
    case .some(let name): self = .other(String(name.prefix(40)))
    }
  }

  func decode(_ body: [UInt8], limit: Int) throws(BatchFault) -> [UInt8] {
    switch self {
    case .identity:
      guard body.count <= limit else { throw ContentEncoding.tooLarge(limit) }
      return body
    case .gzip: return try ContentEncoding.gunzip(body, limit: limit)
    case .zstd: return try ContentEncoding.unzstd(body, limit: limit)
    case .other(let name):
      throw BatchFault(.unsupportedEncoding, "Content-Encoding \"\(name)\" is not known here; use gzip or zstd")
    }
  }

  private static let chunk = 64 << 10

  private static func tooLarge(_ limit: Int) -> BatchFault {
    BatchFault(.tooLarge, "more than \(limit) bytes when decompressed")
  }

  private static func damaged(_ name: String, _ reason: String) -> BatchFault {
    BatchFault(.malformed, "the body is no complete \(name) stream: \(reason)")
  }

  private static func gunzip(_ input: [UInt8], limit: Int) throws(BatchFault) -> [UInt8] {
    var input = input
    var stream = z_stream()
    guard lumbung_inflate_init_gzip(&stream) == Z_OK else { throw damaged("gzip", "no memory") }
    defer { inflateEnd(&stream) }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: chunk)
    var consumed = 0
    while true {
      var code = Z_OK
      let (taken, made) = input.withUnsafeMutableBufferPointer { source in
        buffer.withUnsafeMutableBufferPointer { target in
          stream.next_in = source.baseAddress.map { $0 + consumed }
          stream.avail_in = UInt32(source.count - consumed)
          stream.next_out = target.baseAddress
          stream.avail_out = UInt32(target.count)
          code = inflate(&stream, Z_NO_FLUSH)
          return (source.count - consumed - Int(stream.avail_in), target.count - Int(stream.avail_out))
        }
      }
      consumed += taken
      guard output.count + made <= limit else { throw tooLarge(limit) }
      output.append(contentsOf: buffer[..<made])
      switch code {
      case Z_STREAM_END:
        // A gzip file may have several members, one after the other.
        if consumed == input.count { return output }
        inflateReset(&stream)
      case Z_OK where taken > 0 || made > 0: continue
      case Z_OK, Z_BUF_ERROR: throw damaged("gzip", "it ends early")
      default: throw damaged("gzip", stream.msg.map { String(cString: $0) } ?? "zlib code \(code)")
      }
    }
  }

  /// A frame that asks for a larger window than this is refused before any of it is allocated: 8 MiB is what the
  /// format's specification asks every decoder to support.
  private static let maximumWindowLog: Int32 = 23

  private static func unzstd(_ input: [UInt8], limit: Int) throws(BatchFault) -> [UInt8] {
    guard let context = ZSTD_createDCtx() else { throw damaged("zstd", "no memory") }
    defer { ZSTD_freeDCtx(context) }
    _ = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, maximumWindowLog)
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: chunk)
    var consumed = 0
    while true {
      var result = 0
      let (taken, made) = input.withUnsafeBytes { source in
        buffer.withUnsafeMutableBytes { target in
          var from = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: consumed)
          var to = ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
          result = ZSTD_decompressStream(context, &to, &from)
          return (from.pos - consumed, to.pos)
        }
      }
      if ZSTD_isError(result) != 0 {
        if ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge { throw tooLarge(limit) }
        throw damaged("zstd", String(cString: ZSTD_getErrorName(result)))
      }
      consumed += taken
      guard output.count + made <= limit else { throw tooLarge(limit) }
      output.append(contentsOf: buffer[..<made])
      if result == 0, consumed == input.count { return output }
      if taken == 0, made == 0 { throw damaged("zstd", "it ends early") }
    }
  }
}

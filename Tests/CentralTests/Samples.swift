import CZlib
import CZstd
import Telemetry

@testable import Central

/// Batches for tests, as a gateway would write them.
enum Samples {
  static let epoch = "0b6a9f0e-7a43-4a57-9a53-0d8a8f4b9f11"

  static func summary(
    _ seq: Int, device: String = "sman1/cam-03", minute: Int = 40, revision: Int = 0, mean: Double = 24.5,
    more: String = ""
  ) -> String {
    let start = RFC3339.format(time(minute: minute))
    let end = RFC3339.format(time(minute: minute + 5))
    return #"{"seq":\#(seq),"type":"summary","device":"\#(device)","class":"camera","start":"\#(start)","#
      + #""end":"\#(end)","revision":\#(revision),"received":10,\#(more)"metrics":{"camera.fps":{"kind":"gauge","#
      + #""mean":\#(mean)},"motion":{"kind":"event","count":2},"phase{l=1}":{"kind":"gauge","mean":1}}}"#
  }

  static func alarm(
    _ seq: Int, id: String, _ transition: String, minute: Int = 40, device: String = "odp/1"
  ) -> String {
    #"{"seq":\#(seq),"type":"alarm","id":"\#(id)","transition":"\#(transition)","device":"\#(device)","#
      + #""rule":"weak-light","severity":"critical","time":"\#(RFC3339.format(time(minute: minute)))","#
      + #""message":"too weak"}"#
  }

  static func time(minute: Int) -> Timestamp {
    Timestamp(milliseconds: 1_795_318_800_000) + .minutes(Int64(minute))
  }

  static func batch(
    _ records: [String], gateway: String = "oki-01", epoch: String = Samples.epoch, generation: Int = 0,
    lane: String = "summary", stream: String? = nil, first: Int = 1, last: Int? = nil
  ) -> [UInt8] {
    let last = last ?? first + records.count - 1
    let stream = stream.map { #""stream":"\#($0)","# } ?? ""
    return Array(
      (#"{"gateway":"\#(gateway)","epoch":"\#(epoch)","generation":\#(generation),"lane":"\#(lane)",\#(stream)"#
        + #""first":\#(first),"last":\#(last),"records":[\#(records.joined(separator: ","))]}"#).utf8)
  }

  static func decoded(_ bytes: [UInt8]) throws -> Batch { try BatchDecoder().decode(bytes, encoding: nil) }

  static func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var input = bytes
    var output = [UInt8](repeating: 0, count: bytes.count + 1024)
    var stream = z_stream()
    _ = lumbung_deflate_init_gzip(&stream, 6)
    defer { deflateEnd(&stream) }
    let left: Int = input.withUnsafeMutableBufferPointer { source in
      output.withUnsafeMutableBufferPointer { target in
        stream.next_in = source.baseAddress
        stream.avail_in = UInt32(source.count)
        stream.next_out = target.baseAddress
        stream.avail_out = UInt32(target.count)
        _ = deflate(&stream, Z_FINISH)
        return Int(stream.avail_out)
      }
    }
    return Array(output.dropLast(left))
  }

  static func zstd(_ bytes: [UInt8], level: Int32 = 3) -> [UInt8] {
    var output = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
    let size = ZSTD_compress(&output, output.count, bytes, bytes.count, level)
    return Array(output[..<size])
  }
}

/// Tells images and other binary payloads from text, so that an error can name them without showing their bytes.
enum BinaryContent {
  /// What the payload is, with its size: `a JPEG image of 48213 bytes`; `nil` where it is text.
  static func describe(_ payload: UnsafeRawBufferPointer) -> String? {
    if let redacted = redacted(payload) { return redacted }
    guard let kind = kind(payload) else { return nil }
    return "\(kind) of \(payload.count) bytes"
  }

  /// The same for images alone: where the payload is binary anyway.
  static func image(_ payload: UnsafeRawBufferPointer) -> String? {
    ImageRedaction.mediaType(payload).map { "an image (\($0)) of \(payload.count) bytes" } ?? redacted(payload)
  }

  /// What is kept of an image: its kind, size and hash.
  private static func redacted(_ payload: UnsafeRawBufferPointer) -> String? {
    ImageRedaction.isMarker(payload) ? ImageRedaction.reason : nil
  }

  private static let signatures: [(bytes: [UInt8], kind: String)] = [
    ([0xff, 0xd8, 0xff], "a JPEG image"), ([0x89, 0x50, 0x4e, 0x47], "a PNG image"),
    ([0x47, 0x49, 0x46, 0x38], "a GIF image"), ([0x52, 0x49, 0x46, 0x46], "a RIFF file"),
    ([0x1f, 0x8b], "gzip data"), ([0x28, 0xb5, 0x2f, 0xfd], "zstd data"),
  ]

  private static func kind(_ payload: UnsafeRawBufferPointer) -> String? {
    for signature in signatures where payload.starts(with: signature.bytes) { return signature.kind }
    if payload.contains(0) { return "binary data" }
    if Base64Payload.fills(payload) { return "base64 data" }
    return nil
  }
}

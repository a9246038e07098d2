import CCrypto

/// Keeps images out of whatever stores messages: these are cameras in schools.
///
/// A payload that is an image, or JSON text with an image in it (base64, or a `data:` URI), is given back with a marker in
/// the image's place: `lumbung:image/jpeg;bytes=48213;sha256=…`. JSON stays JSON, all else in it stays as it was. The
/// same payload always gives the same bytes. No state, safe from any thread; for what is neither large nor binary it looks
/// at the first bytes only.
public enum ImageRedaction {
  static let prefix = "lumbung:"
  /// Shorter base64 holds no picture that shows anything: a PNG of one pixel takes 92 characters.
  static let shortestText = 64
  /// JSON below this is not looked through: reports of every few seconds are shorter, and no picture of anybody is.
  static let shortestDocument = 512

  /// The payload without its images; `nil` where there are none, and it may be kept as it is.
  public static func redact(_ payload: UnsafeRawBufferPointer) -> [UInt8]? {
    guard let first = payload.first else { return nil }
    if let type = mediaType(payload) { return marker(type, payload) }
    if first == UInt8(ascii: "d") || payload.count >= shortestText, let text = wholeText(payload) { return text }
    guard payload.count >= shortestDocument, hasLongWord(payload) else { return nil }
    return document(payload)
  }

  /// What an image's first bytes say it is; clips are moving images.
  static func mediaType(_ bytes: UnsafeRawBufferPointer) -> String? {
    func has(_ signature: [UInt8], at offset: Int = 0) -> Bool {
      bytes.count >= offset + signature.count
        && UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + signature.count)]).elementsEqual(signature)
    }
    switch bytes.first {
    case 0xff: return has([0xff, 0xd8, 0xff]) ? "image/jpeg" : nil
    case 0x89: return has([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) ? "image/png" : nil
    case UInt8(ascii: "G"): return has(Array("GIF87a".utf8)) || has(Array("GIF89a".utf8)) ? "image/gif" : nil
    case UInt8(ascii: "R"): return has(Array("RIFF".utf8)) && has(Array("WEBP".utf8), at: 8) ? "image/webp" : nil
    case UInt8(ascii: "B"):
      // BM, the size, and four bytes that are zero.
      return bytes.count >= 14 && has([0x42, 0x4d]) && has([0, 0, 0, 0], at: 6) ? "image/bmp" : nil
    case 0:
      guard has(Array("ftyp".utf8), at: 4) else { return nil }
      return ["avif", "heic", "heix", "mif1"].contains { has(Array($0.utf8), at: 8) } ? "image/heif" : "video/mp4"
    default: return nil
    }
  }

  /// Why what is kept of an image is no reading.
  static let reason = "an image, of which size and hash are kept"

  static func isMarker(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.count > 80 && bytes.count < 160 && bytes.first == UInt8(ascii: "l") && bytes.starts(with: prefix.utf8)
  }

  private static func marker(_ type: String, _ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    _ = SHA256(bytes.baseAddress, bytes.count, &digest)
    var text = Array("\(prefix)\(type);bytes=\(bytes.count);sha256=".utf8)
    let digits = Array("0123456789abcdef".utf8)
    for byte in digest {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return text
  }

  // MARK: - Text

  /// A payload that is one image as text, and nothing else.
  private static func wholeText(_ payload: UnsafeRawBufferPointer) -> [UInt8]? {
    // Almost all reports; what an image's text begins with is none of these.
    if payload.first == UInt8(ascii: "{") || payload.first == UInt8(ascii: "[") { return nil }
    let text = payload.trimmed
    guard let (type, length) = image(text, at: 0, lines: true), length >= text.count else { return nil }
    return marker(type, payload)
  }

  /// Whether so many bytes stand together that they may be an image's text: next to no report's do, and this looks at
  /// few of them only.
  static func hasLongWord(_ text: UnsafeRawBufferPointer) -> Bool {
    // Every word of that length has two of these places in it, one after the other.
    let stride = shortestText / 2
    var at = stride - 1
    while at < text.count {
      guard isWordByte(text[at]) else {
        at += stride
        continue
      }
      var end = at + 1
      while end < text.count, isWordByte(text[end]) { end += 1 }
      var start = at
      while start > 0, end - start < shortestText, isWordByte(text[start - 1]) { start -= 1 }
      if end - start >= shortestText { return true }
      at = end + stride - 1
    }
    return false
  }

  /// What an image's text is made of, as `base64` takes it.
  @inline(__always)
  private static func isWordByte(_ byte: UInt8) -> Bool {
    // Bits of the characters from 0 to 63 and from 64 to 127: + - / 0-9 =, and A-Z \ _ a-z.
    let low: UInt64 = 0x23ff_a800_0000_0000
    let high: UInt64 = 0x07ff_fffe_97ff_fffe
    return byte < 64 ? low >> UInt64(byte) & 1 == 1 : byte < 128 && high >> UInt64(byte - 64) & 1 == 1
  }

  /// JSON or any other text with images in it.
  private static func document(_ payload: UnsafeRawBufferPointer) -> [UInt8]? {
    var kept: [UInt8]?
    var copied = 0
    var at = 0
    while at < payload.count {
      // An image's text stands behind a quote, or behind a tag or a line's end.
      guard isOpening(payload[at]) else {
        at += 1
        continue
      }
      let start = at + 1
      guard start < payload.count, let (type, length) = image(payload, at: start, lines: false) else {
        at += 1
        continue
      }
      var redacted = kept ?? []
      redacted.append(contentsOf: payload[copied..<start])
      redacted.append(contentsOf: marker(type, UnsafeRawBufferPointer(rebasing: payload[start..<(start + length)])))
      kept = redacted
      copied = start + length
      at = copied
    }
    guard var redacted = kept else { return nil }
    redacted.append(contentsOf: payload[copied...])
    return redacted
  }

  private static func isOpening(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") || byte == UInt8(ascii: ">") || byte <= 0x20
  }

  /// Base64, with or without `data:…;base64,` before it: what it is, and how many bytes it takes.
  ///
  /// `nil` where it begins like no image: a report that happens to be one long word stays as it came.
  private static func image(
    _ text: UnsafeRawBufferPointer, at start: Int, lines: Bool
  ) -> (type: String, length: Int)? {
    var at = start
    var said: String?
    let rest = UnsafeRawBufferPointer(rebasing: text[start...])
    let isData = rest.starts(with: "data:".utf8)
    if isData {
      guard let comma = rest.prefix(128).firstIndex(of: UInt8(ascii: ",")) else { return nil }
      let head = String(decoding: rest[5..<comma], as: UTF8.self)
      guard head.lowercased().hasSuffix(";base64") else { return nil }
      let type = head.prefix { $0 != ";" }
      let isImage = type.hasPrefix("image/") || type.hasPrefix("video/")
      if isImage, type.utf8.count <= 32, type.utf8.allSatisfy(isTypeByte) { said = String(type) }
      at = start + comma + 1
    }
    let first = at
    while at < text.count, let step = base64(text, at, lines) { at += step }
    let length = at - first
    // Most payloads are told from an image by this alone.
    guard length >= shortestText,
      let type = said ?? base64Type(UnsafeRawBufferPointer(rebasing: text[first..<at]))
    else { return nil }
    return (type, at - start)
  }

  private static func isTypeByte(_ byte: UInt8) -> Bool {
    byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z") || byte.isDigit
      || "/+.-".utf8.contains(byte)
  }

  /// How many bytes the next piece of base64 takes: a character, or what JSON makes of a slash or a line's end.
  @inline(__always)
  private static func base64(_ text: UnsafeRawBufferPointer, _ at: Int, _ lines: Bool) -> Int? {
    let byte = text[at]
    if base64Table[Int(byte)] || lines && (byte == 0x0a || byte == 0x0d) { return 1 }
    guard byte == UInt8(ascii: "\\"), at + 1 < text.count else { return nil }
    return "/nr".utf8.contains(text[at + 1]) ? 2 : nil
  }

  /// Of both alphabets, with padding.
  private static let base64Table: [Bool] = (0..<256).map { byte in
    let byte = UInt8(byte)
    return byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z") || byte.isDigit
      || "+/=-_".utf8.contains(byte)
  }

  /// What the first bytes say that the text stands for.
  private static func base64Type(_ text: UnsafeRawBufferPointer) -> String? {
    // As many bytes as the longest signature has.
    var head: [UInt8] = []
    head.reserveCapacity(24)
    var bits: UInt32 = 0
    var count = 0
    for byte in text {
      guard let value = base64Value(byte) else { continue }
      bits = bits << 6 | value
      count += 1
      guard count % 4 == 0 else { continue }
      head.append(UInt8(truncatingIfNeeded: bits >> 16))
      head.append(UInt8(truncatingIfNeeded: bits >> 8))
      head.append(UInt8(truncatingIfNeeded: bits))
      if head.count >= 24 { break }
    }
    return head.withUnsafeBytes(mediaType)
  }

  /// In both alphabets; `nil` for what JSON and line ends put between.
  private static func base64Value(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
  }
}

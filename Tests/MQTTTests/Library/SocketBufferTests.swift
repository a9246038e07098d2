import CSocketBuffer
import Glibc
import Testing

@testable import MQTT

/// What the library would do: read and write as it does, between `enter` and `leave`.
private final class Reader {
  let buffer: OpaquePointer
  let near: Int32
  let far: Int32

  init(_ type: __socket_type = SOCK_STREAM) throws {
    var ends: (Int32, Int32) = (-1, -1)
    let made = withUnsafeMutablePointer(to: &ends) { pair in
      pair.withMemoryRebound(to: Int32.self, capacity: 2) {
        socketpair(AF_UNIX, Int32(type.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0, $0)
      }
    }
    buffer = try #require(lumbung_socket_buffer_make())
    try #require(made == 0)
    (near, far) = ends
    lumbung_socket_buffer_attach(buffer, near)
  }

  deinit {
    lumbung_socket_buffer_free(buffer)
    close(near)
    close(far)
  }

  var calls: Int { lumbung_socket_buffer_calls(buffer) }
  var hasUnread: Bool { lumbung_socket_buffer_has_unread(buffer) }
  var hasUnsent: Bool { lumbung_socket_buffer_has_unsent(buffer) }

  func inside<T>(_ body: () -> T) -> T {
    lumbung_socket_buffer_enter(buffer)
    defer { _ = lumbung_socket_buffer_leave() }
    return body()
  }

  /// What comes, or the error's number.
  func take(_ count: Int) -> Taken {
    inside {
      var bytes = [UInt8](repeating: 0, count: count)
      let got = bytes.withUnsafeMutableBytes { read(near, $0.baseAddress, count) }
      return got < 0 ? .error(errno) : .bytes(Array(bytes.prefix(got)))
    }
  }

  /// As the library would.
  func put(_ bytes: [UInt8], to descriptor: Int32? = nil) -> Int {
    inside { bytes.withUnsafeBytes { write(descriptor ?? near, $0.baseAddress, $0.count) } }
  }

  /// From the other end.
  func send(_ bytes: [UInt8]) {
    #expect(bytes.withUnsafeBytes { write(far, $0.baseAddress, $0.count) } == bytes.count)
  }

  /// What has arrived at the other end.
  func arrived(_ most: Int = 1 << 20) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: most)
    var count = 0
    bytes.withUnsafeMutableBytes { room in
      while count < most, case let got = read(far, room.baseAddress.map { $0 + count }, most - count), got > 0 {
        count += got
      }
    }
    return Array(bytes.prefix(count))
  }

  enum Taken: Equatable {
    case bytes([UInt8])
    case error(Int32)
  }
}

@Suite("reads and writes below the library are joined")
struct SocketBufferTests {
  @Test("many small reads take one call, and a socket that is dry is told without another")
  func reads() throws {
    let reader = try Reader()
    reader.send(Array(0..<100))
    for byte in UInt8(0)..<99 { #expect(reader.take(1) == .bytes([byte])) }
    #expect(reader.hasUnread)
    #expect(reader.take(40) == .bytes([99]))
    #expect(!reader.hasUnread)
    #expect(reader.take(1) == .error(EAGAIN))
    #expect(reader.calls == 1)
  }

  @Test("after a dry socket was told, the socket itself is asked again")
  func asksAgain() throws {
    let reader = try Reader()
    reader.send([1])
    #expect(reader.take(1) == .bytes([1]))
    reader.send([2, 3])
    #expect(reader.take(1) == .error(EAGAIN))
    #expect(reader.take(5) == .bytes([2, 3]))
    #expect(reader.take(1) == .error(EAGAIN))
    #expect(reader.take(1) == .error(EAGAIN))
    #expect(reader.calls == 3)
  }

  @Test("what is larger than the buffer arrives whole")
  func large() throws {
    let reader = try Reader()
    var size: Int32 = 1 << 20
    setsockopt(reader.far, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    let sent = (0..<150_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
    reader.send(sent)
    var got: [UInt8] = []
    while got.count < sent.count {
      switch reader.take(got.count < 10 ? 3 : 100_000) {
      case .bytes(let bytes): got += bytes
      case .error(let code): #expect(code == EAGAIN)
      }
    }
    #expect(got == sent)
  }

  @Test("the other side's end is told once everything is read")
  func end() throws {
    let reader = try Reader()
    reader.send([7, 8])
    shutdown(reader.far, Int32(SHUT_WR))
    #expect(reader.take(1) == .bytes([7]))
    #expect(reader.take(9) == .bytes([8]))
    #expect(reader.take(1) == .error(EAGAIN))
    #expect(reader.take(1) == .bytes([]))
  }

  @Test("what is written waits for the flush, and leaves by one call")
  func writes() throws {
    let reader = try Reader()
    for byte in UInt8(0)..<200 { #expect(reader.put([byte, 1, 2, 3]) == 4) }
    #expect(reader.arrived().isEmpty)
    #expect(reader.hasUnsent)
    #expect(lumbung_socket_buffer_flush(reader.buffer))
    #expect(!reader.hasUnsent)
    #expect(reader.arrived() == (UInt8(0)..<200).flatMap { [$0, 1, 2, 3] })
    #expect(reader.calls == 1)
  }

  @Test("a socket that takes no more makes the library wait, and nothing is lost or comes twice")
  func full() throws {
    let reader = try Reader()
    var size: Int32 = 4096
    setsockopt(reader.near, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    var sent: [UInt8] = []
    var next: UInt8 = 0
    var refused = false
    while !refused, sent.count < 1 << 20 {
      let packet = [next, next ^ 0xff, 3]
      let taken = reader.put(packet)
      refused = taken < 0
      if !refused {
        sent += packet.prefix(taken)
        next &+= 1
      }
    }
    #expect(refused && errno == EAGAIN)
    // A full socket is no broken one.
    #expect(lumbung_socket_buffer_flush(reader.buffer))
    #expect(reader.hasUnsent)
    var got: [UInt8] = []
    while reader.hasUnsent {
      got += reader.arrived()
      #expect(lumbung_socket_buffer_flush(reader.buffer))
    }
    got += reader.arrived()
    #expect(got == sent)
  }

  @Test("a flush to nobody fails, and is no signal")
  func broken() throws {
    let reader = try Reader()
    #expect(reader.put([1, 2]) == 2)
    shutdown(reader.near, Int32(SHUT_RDWR))
    #expect(!lumbung_socket_buffer_flush(reader.buffer))
    #expect(errno == EPIPE)
  }

  @Test("outside of the library's calls, and for another descriptor, all is as ever")
  func outside() throws {
    let (reader, other) = (try Reader(), try Reader())
    reader.send([1, 2, 3])
    #expect(reader.take(1) == .bytes([1]))
    reader.send([4])
    var byte: UInt8 = 0
    // As a callback would, or somebody who got the number of a socket that is gone.
    #expect(read(reader.near, &byte, 1) == 1 && byte == 4)
    #expect(write(reader.near, [9], 1) == 1)
    #expect(reader.arrived() == [9])
    other.send([5])
    #expect(reader.inside { read(other.near, &byte, 1) } == 1)
    #expect(byte == 5)
    #expect(reader.put([6, 7], to: other.near) == 2)
    #expect(other.arrived() == [6, 7])
    #expect(reader.take(9) == .bytes([2, 3]))
  }

  @Test("the byte with which the library would wake itself goes nowhere")
  func wakeUp() throws {
    let (reader, pair) = (try Reader(), try Reader())
    #expect(reader.put([1], to: pair.near) == 1)
    #expect(pair.arrived().isEmpty)
  }

  @Test("a new connection begins with nothing of the old one")
  func attach() throws {
    let (old, new) = (try Reader(), try Reader())
    old.send([1, 2, 3])
    #expect(old.take(1) == .bytes([1]))
    #expect(old.put([4, 4]) == 2)
    lumbung_socket_buffer_attach(old.buffer, new.near)
    #expect(!old.hasUnread && !old.hasUnsent)
    new.send([5])
    #expect(
      old.inside { () -> UInt8 in
        var byte: UInt8 = 0
        return read(new.near, &byte, 1) == 1 ? byte : 0
      } == 5)
    #expect(old.arrived().isEmpty)
  }
}

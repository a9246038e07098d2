import Glibc
import Outbox
import Telemetry
import Testing

@testable import Uplinks

@Suite("Certificates", .serialized)
struct CertificateTests {
  private func copy(_ from: String, _ to: String) {
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    let source = open(from, O_RDONLY)
    let count = read(source, &bytes, bytes.count)
    close(source)
    // As renewals are made: written beside it, then put in its place.
    let target = open(to + ".new", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    Glibc.write(target, bytes, max(0, count))
    close(target)
    rename(to + ".new", to)
  }

  @Test("an authority that was put right in its file is taken up without a restart")
  func reload() throws {
    let (folder, other, mine) = (Bench.makeFolder(), Bench.makeFolder(), Bench.makeFolder())
    defer { for path in [folder, other, mine] { Bench.remove(path) } }
    let receiver = Receiver(tlsFolder: folder)
    let stranger = Receiver(tlsFolder: other)
    let ca = mine + "/cert.pem"
    copy(try #require(stranger.certificate), ca)
    let bench = try Bench(receiver.url, ca: ca)
    try bench.append(.summary, ["a"])
    bench.uplink.start()
    #expect(bench.until { bench.uplink.status.state == .misconfigured })
    #expect(bench.uplink.status.cure?.contains("ca_file") == true)
    copy(try #require(receiver.certificate), ca)
    #expect(try bench.until { try bench.pending() == 0 })
    #expect(bench.logged.all.contains { $0.contains("read again") })
    #expect(bench.uplink.stop(within: .seconds(20)))
  }

  @Test("a certificate for another name is refused, and the cure says so")
  func wrongHost() throws {
    let folder = Bench.makeFolder()
    defer { Bench.remove(folder) }
    let receiver = Receiver(tlsFolder: folder)
    let bench = try Bench("https://localhost:\(receiver.port)", ca: receiver.certificate)
    try bench.append(.summary, ["a"])
    bench.uplink.start()
    #expect(bench.until { bench.uplink.status.state == .misconfigured })
    #expect(bench.uplink.status.error?.contains("for another name than localhost") == true)
    #expect(try bench.pending() == 1)
    #expect(bench.uplink.stop(within: .seconds(20)))
  }

  @Test("a file is noticed once for each change, and a moment without it is none")
  func stamps() throws {
    let folder = Bench.makeFolder()
    defer { Bench.remove(folder) }
    let path = folder + "/key.pem"
    copy("/proc/self/cmdline", path)
    var stamps = FileStamps([path, nil])
    func changed(_ seconds: Int64) -> Bool { stamps.haveChanged(at: .seconds(seconds)) }
    #expect(!changed(0))
    copy("/proc/self/cmdline", path)
    #expect(!changed(1))
    #expect(changed(6))
    #expect(!changed(12))
    unlink(path)
    #expect(!changed(18))
    copy("/proc/self/cmdline", path)
    stamps.lookSoon()
    #expect(changed(19))
  }
}

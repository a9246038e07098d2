import Glibc
import Synchronization

/// The certificate that a server shows. Where its files are changed, as at a renewal, the next connection has the new
/// one; where the new files don't fit together, the old one stays until they do.
///
/// Safe from any thread.
public final class ServerCertificate: Sendable {
  /// What tells whether a file is another than before.
  private struct Stamp: Equatable {
    let device: UInt64
    let inode: UInt64
    let size: Int
    let seconds: Int
    let nanoseconds: Int

    init?(_ path: String) {
      var status = stat()
      guard stat(path, &status) == 0 else { return nil }
      device = UInt64(status.st_dev)
      inode = UInt64(status.st_ino)
      size = Int(status.st_size)
      seconds = status.st_mtim.tv_sec
      nanoseconds = status.st_mtim.tv_nsec
    }
  }

  private struct State {
    var context: TLSContext
    /// Of the files that were read last, whether they could be used or not.
    var stamps: [Stamp?]
  }

  private let files: CertificateFiles
  private let report: @Sendable (CertificateError) -> Void
  private let state: Mutex<State>

  /// - Parameter report: hears once of each change of the files that can't be used.
  /// - Throws: where the files can't be used now.
  public init(
    _ files: CertificateFiles, report: @escaping @Sendable (CertificateError) -> Void = { _ in }
  ) throws(CertificateError) {
    let stamps = ServerCertificate.stamps(files)
    state = Mutex(State(context: try TLSContext(files), stamps: stamps))
    self.files = files
    self.report = report
  }

  /// What a person should know of a certificate that can be used all the same; `nil` where all is well.
  ///
  /// - Parameter now: seconds of the epoch. A box without a clock battery may be wrong about it: nothing depends on it.
  public func caution(at now: Int) -> String? {
    let validity = state.withLock { $0.context.validity }
    if now > validity.upperBound {
      return "the certificate in \(files.certificate) has expired: clients refuse it until it is renewed"
    }
    if now < validity.lowerBound {
      return "the certificate in \(files.certificate) is not valid yet, or this box's clock is wrong"
    }
    let days = (validity.upperBound - now) / 86_400
    return days < 14 ? "the certificate in \(files.certificate) expires in \(days) days" : nil
  }

  /// For a connection that begins now. Two calls of `stat`; a renewal is read where it is met.
  func current() -> TLSContext {
    let stamps = ServerCertificate.stamps(files)
    let (context, failure) = state.withLock { state -> (TLSContext, CertificateError?) in
      guard stamps != state.stamps else { return (state.context, nil) }
      state.stamps = stamps
      do throws(CertificateError) {
        state.context = try TLSContext(files)
        return (state.context, nil)
      } catch {
        return (state.context, error)
      }
    }
    if let failure { report(failure) }
    return context
  }

  private static func stamps(_ files: CertificateFiles) -> [Stamp?] {
    [Stamp(files.certificate), Stamp(files.key)]
  }
}

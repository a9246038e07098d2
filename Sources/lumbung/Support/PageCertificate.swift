import Gateway
import Glibc
import Settings
import TLS

/// What only OpenSSL can judge of a configuration.
enum PageCertificate {
  /// What should be known of a certificate that can be used all the same.
  @discardableResult
  static func check(_ settings: GatewaySettings, file: String) throws(SettingsFaults) -> [Caution] {
    guard settings.admin.listen != nil, let files = settings.admin.certificateFiles else { return [] }
    do throws(CertificateError) {
      let caution = try ServerCertificate(files).caution(at: time(nil))
      guard let caution else { return [] }
      return [Caution("[admin] cert_file: \(caution)", cure: "renew it, and see that timedatectl tells the right time")]
    } catch {
      throw SettingsFaults([
        SettingsFault(file: file, line: nil, message: "[admin]: \(error.message)", hint: error.cure)
      ])
    }
  }
}

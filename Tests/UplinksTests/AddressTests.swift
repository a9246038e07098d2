import Testing

@testable import Uplinks

@Suite("Address")
struct AddressTests {
  @Test(
    "the path is added, and what may be secret isn't shown",
    arguments: [
      ("http://a", "http://a/v1/batches", "http://a"),
      ("HTTPS://a.b:8443/", "https://a.b:8443/v1/batches", "https://a.b:8443"),
      ("https://a/base//", "https://a/base/v1/batches", "https://a/base"),
      ("https://me:pass@a/x", "https://me:pass@a/x/v1/batches", "https://a/x"),
      ("https://me:p@ss@a", "https://me:p@ss@a/v1/batches", "https://a"),
      ("https://a/x?key=s3cret#top", "https://a/x/v1/batches?key=s3cret", "https://a/x"),
      ("http://[::1]:80", "http://[::1]:80/v1/batches", "http://[::1]:80"),
    ])
  func forms(url: String, batches: String, shown: String) {
    let address = Address(url)
    #expect(address?.batches == batches)
    #expect(address?.shown == shown)
  }

  @Test(
    "anything else is refused",
    arguments: [
      "", "a", "ftp://a", "file:///etc/passwd", "http://", "http://u@", "http:///x", "http://a b", "http://ä",
    ])
  func refused(url: String) {
    #expect(Address(url) == nil)
  }
}

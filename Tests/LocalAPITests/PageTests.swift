import Glibc
import Testing

@testable import LocalAPI

@Suite struct PageTests {
  private let page = String(decoding: Page.html, as: UTF8.self)

  @Test("the page asks nobody but the box for anything")
  func selfContained() {
    for trace in ["http://", "https://", "src=", "@import", "url(", "<link"] { #expect(!page.contains(trace)) }
  }

  @Test("what devices say is set as text, never as markup")
  func noMarkup() {
    for trace in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
      #expect(!page.contains(trace))
    }
  }

  @Test("every word is there in both languages")
  func words() throws {
    let text = Page.words
    let split = try #require(text.firstRange(of: "id: {"))
    func keys(_ part: Substring) -> [String] {
      part.matches(of: #/(\w+): '/#).map { String($0.output.1) }
    }
    let english = keys(text[..<split.lowerBound])
    let indonesian = keys(text[split.upperBound...])
    #expect(english == indonesian)
    #expect(english.count > 60)
    #expect(Set(english).count == english.count)
    for use in (Page.markup + Page.script).matches(of: #/data-word="(\w+)"|say\('(\w+)'/#) {
      let word = String(use.output.1 ?? use.output.2 ?? "")
      #expect(english.contains(word), "\(word)")
    }
  }

  @Test("every element that the script fills is in the page")
  func elements() {
    for use in Page.script.matches(of: #/\$\('([\w-]+)'\)/#) {
      #expect(Page.markup.contains("id=\"\(use.output.1)\""), "\(use.output.1)")
    }
  }

  @Test("the fields that the page reads are those of the status report")
  func fields() throws {
    let report = try #require(statusReport(), "Sources/Telemetry/Records/StatusReport.swift")
    let declared = Set(report.matches(of: #/public var (\w+)/#).map { String($0.output.1) })
    // `s` is the report, `b`, `j`, `d`, `u`, `a`, `q` and `store` are its parts.
    let uses = Page.script.matches(of: #/\b(?:s|x|b|j|d|u|a|q|store|lane|status)\.([a-z]\w*)\b/#)
    let ours: Set<String> = ["broker", "journal", "derive", "store", "uplinks"]
    // Properties of the page's own objects and of JavaScript's arrays.
    let foreign: Set<String> = ["map", "append", "reduce", "some", "at", "status"]
    let read = Set(uses.map { String($0.output.1) }).subtracting(foreign)
    #expect(ours.isSubset(of: read))
    #expect(read.subtracting(declared).isEmpty, "\(read.subtracting(declared))")
  }

  private func statusReport(from file: String = #filePath) -> String? {
    let root = file.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
    guard let stream = fopen("\(root)/Sources/Telemetry/Records/StatusReport.swift", "r") else { return nil }
    defer { fclose(stream) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&bytes, 1, bytes.count, stream)
    return String(decoding: bytes[..<count], as: UTF8.self)
  }
}

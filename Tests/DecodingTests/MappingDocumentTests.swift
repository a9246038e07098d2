import Glibc
import Settings
import Telemetry
import Testing

@testable import Decoding

/// What the documents say is what the code does.
struct MappingDocumentTests {
  /// The fenced blocks of a Markdown text, with their languages.
  private func blocks(_ text: String) -> [(language: Substring, content: String)] {
    var blocks: [(Substring, String)] = []
    var language: Substring?
    var lines: [Substring] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("```") {
        if let open = language {
          blocks.append((open, lines.joined(separator: "\n")))
          language = nil
        } else {
          language = line.dropFirst(3)
          lines = []
        }
      } else if language != nil {
        lines.append(line)
      }
    }
    return blocks
  }

  @Test("every example of docs/mapping.md does what stands beneath it")
  func examples() throws {
    let text = String(decoding: try #require(Files.read(Files.root + "/docs/mapping.md")), as: UTF8.self)
    var bench: Bench?
    var executed = 0
    for (language, content) in blocks(text) {
      if language == "toml" {
        if content.hasPrefix("[[source]]") {
          let settings = try GatewaySettings.parse(
            text: "[gateway]\nid = \"g\"\n" + content, file: "docs/mapping.md", knownFormats: Decoder.formats,
            profiles: ProfileTests.shelf)
          bench = try Bench(try #require(settings.sources.first))
        } else {
          let head = content.hasPrefix("device") ? "" : "device = \"{device}\"\n"
          let profile = try Profile(parsing: head + content, name: "example", file: "docs/mapping.md")
          bench = try Bench(
            SourceDefinition(name: "s", topic: try TopicPattern("#"), format: "profile:example", profile: profile))
        }
      } else if language == "text", content.hasPrefix("> ") {
        let bench = try #require(bench)
        for step in Transcript(content).steps {
          #expect(Transcript.run(step, on: bench, file: { _ in [] }) == step.expected, "\(content)")
          executed += 1
        }
      }
    }
    #expect(executed >= 30)
  }

  @Test("the tables of docs/formats.md are those of the code and the profiles")
  func catalogue() throws {
    var text = """
      # What each format emits

      Made from the formats' code and the profiles' files; a test keeps it so. A part in braces stands for what the
      topic or payload says. `json` and `scalar` take their names from the payload, the topic or the configuration.

      """
    for format in Decoder.formats where !Decoder.catalogue(of: format).isEmpty {
      text += "\n## \(format)\n\n| metric | unit | kind | what |\n|---|---|---|---|\n"
      for entry in Decoder.catalogue(of: format) {
        text += "| `\(entry.metric)` | `\(entry.unit)` | \(entry.kind.rawValue) | \(entry.meaning) |\n"
      }
      text += "\nLeft out (`*` is anything within one key or index, `**` all below):\n\n"
      for left in Decoder.leftOut(of: format) { text += "- `\(left.path)`: \(left.reason)\n" }
    }
    for name in ProfileTests.shelf.names {
      let profile = try #require(try ProfileTests.shelf.profile(named: name))
      text += "\n## profile:\(name)\n\n\(profile.about). "
      text += "Class \(profile.deviceClass.rawValue), device `\(profile.device)`.\n"
      text += "\n| metric | unit | kind | what |\n|---|---|---|---|\n"
      var seen: Set<String> = []
      for metric in profile.messages.flatMap(\.metrics) {
        let row =
          "| `\(metric.name)` | `\(metric.unit)` | \(metric.kind?.rawValue ?? "gauge or state") | \(metric.about) |\n"
        #expect(!metric.about.isEmpty, "\(name): \(metric.name)")
        if seen.insert(row).inserted { text += row }
      }
    }
    let path = Files.root + "/docs/formats.md"
    if getenv("LUMBUNG_WRITE_DOCS") != nil, let file = fopen(path, "wb") {
      fputs(text, file)
      fclose(file)
    }
    let written = Files.read(path).map { String(decoding: $0, as: UTF8.self) }
    #expect(written == text, "LUMBUNG_WRITE_DOCS=1 writes it anew")
  }
}

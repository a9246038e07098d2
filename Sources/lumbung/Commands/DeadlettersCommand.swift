import ArgumentParser
import Gateway
import Outbox
import Telemetry

struct DeadlettersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deadletters", abstract: "Records that a receiver refused for good: look at them, retry or drop them.",
    discussion: """
      A record lands here when a server refused it alone (400, 413, 422). The rest went on without it.

      Exit status: 0; 65 where there is no dead letter of that number; 69 where the daemon does not run: what was asked for is done when it starts; 74 where the store \
      can't be read.
      """,
    subcommands: [List.self, Show.self, Retry.self, Drop.self], defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List them, the newest first.")
    @OptionGroup var configuration: ConfigurationOption
    @Flag(help: "Print a JSON object a line, the records included.") var json = false
    @Option(help: "The most that are listed.") var limit = 100

    func run() throws {
      let letters = try DeadLetterShelf(configuration).letters(limit: limit)
      for letter in letters { Console.print(json ? letter.json : letter.line) }
      if letters.isEmpty, !json { Console.error("no dead letters") }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print one in full.")
    @OptionGroup var configuration: ConfigurationOption
    @Argument(help: "Its number, as the list has it.") var id: Int64
    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
      guard let letter = try DeadLetterShelf(configuration).letters().first(where: { $0.id == id }) else {
        throw Exit.failing(Exit.data, "there is no dead letter \(id)")
      }
      Console.print(json ? letter.json : letter.text)
    }
  }

  struct Retry: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Send them once more, under their old numbers.",
      discussion: "What is taken then is a dead letter no more; what is refused again stays.")
    @OptionGroup var configuration: ConfigurationOption
    @OptionGroup var choice: Choice

    func run() throws { try DeadLetterShelf(configuration).ask("retry", choice) }
  }

  struct Drop: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Forget them for good.")
    @OptionGroup var configuration: ConfigurationOption
    @OptionGroup var choice: Choice

    func run() throws { try DeadLetterShelf(configuration).ask("drop", choice) }
  }

  struct Choice: ParsableArguments {
    @Argument(help: "Their numbers, as the list has them.") var ids: [Int64] = []
    @Flag(help: "All of them.") var all = false

    func validate() throws {
      guard all != !ids.isEmpty else { throw ValidationError("give numbers, or --all") }
    }
  }
}

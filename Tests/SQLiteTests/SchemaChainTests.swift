import Testing

@testable import SQLite

@Suite("Bringing a schema forward")
struct SchemaChainTests {
  private struct Broken: Error {}

  /// A pretended history: v0 has people, v1 gives them a town, v2 counts them.
  private let chain = SchemaChain(
    oldest: 0,
    steps: [
      { try $0.execute("ALTER TABLE person ADD COLUMN town TEXT; UPDATE person SET town = 'Kayuagung'") },
      {
        try $0.execute("CREATE TABLE tally(town TEXT PRIMARY KEY, count INTEGER)")
        try $0.execute("INSERT INTO tally SELECT town, count(*) FROM person GROUP BY town")
      },
    ])

  private func scratch() throws -> Database {
    let database = try Database(path: ":memory:", mode: .writer)
    try database.execute("CREATE TABLE person(name TEXT); INSERT INTO person VALUES ('Sari'), ('Adi')")
    return database
  }

  @Test("every step that is missing is taken, from whichever version the file is of", arguments: [0, 1])
  func steps(from version: Int) throws {
    let database = try scratch()
    if version == 1 {
      try SchemaChain(oldest: 0, steps: [{ try $0.execute("ALTER TABLE person ADD COLUMN town TEXT") }]).bring(database)
      try database.execute("UPDATE person SET town = 'Kayuagung'")
    }
    #expect(try database.integer("PRAGMA user_version") == Int64(version))
    #expect(try chain.bring(database))
    #expect(try database.integer("PRAGMA user_version") == 2)
    #expect(try database.integer("SELECT count FROM tally WHERE town = 'Kayuagung'") == 2)
  }

  @Test("a file of the present version is left alone, and so is a newer one", arguments: [2, 3, 99])
  func present(version: Int) throws {
    let database = try scratch()
    try database.execute("PRAGMA user_version=\(version)")
    #expect(try !chain.bring(database))
    #expect(chain.knows(Int64(version)) == (version == 2))
    #expect(try database.integer("PRAGMA user_version") == Int64(version))
    #expect(try database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'tally'") == 0)
  }

  @Test("where a step fails, the file is as it was before the first")
  func failing() throws {
    let database = try scratch()
    let failing = SchemaChain(
      oldest: 0, steps: [{ try $0.execute("ALTER TABLE person ADD COLUMN town TEXT") }, { _ in throw Broken() }])
    #expect(throws: Broken.self) { try failing.bring(database) }
    #expect(try database.integer("PRAGMA user_version") == 0)
    #expect(try database.integer("SELECT count(*) FROM pragma_table_info('person')") == 1)
    #expect(try chain.bring(database))
  }

  @Test("what is done last is part of the same transaction")
  func last() throws {
    let database = try scratch()
    #expect(throws: Broken.self) { try chain.bring(database) { _ in throw Broken() } }
    #expect(try database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'tally'") == 0)
    try chain.bring(database) { try $0.execute("INSERT INTO person(name) VALUES ('Budi')") }
    #expect(try database.integer("SELECT count(*) FROM person") == 3)
    #expect(try database.integer("SELECT count FROM tally") == 2)
  }
}

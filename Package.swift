// swift-tools-version: 6.1
import PackageDescription

/// Swift 6 language mode comes with the tools version; warnings are errors in our own targets only through
/// `make`, so that a newer compiler's new warning never stops a build in the field.
let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  // What the compiler can't prove of exclusive access is checked while the tests run, and not in the field: there it
  // took a twelfth of decoding and a quarter of the alarm rules.
  .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// One of our own libraries, with its arrows spelled out: the design's table of rooms is this list.
func room(_ name: String, _ dependencies: [Target.Dependency] = [], link: [LinkerSetting] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict, linkerSettings: link)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name + "Tests", dependencies: [.target(name: name)] + dependencies, swiftSettings: strict)
}

let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let toml: Target.Dependency = .product(name: "TOMLKit", package: "TOMLKit")

let package = Package(
  name: "lumbung",
  products: [
    .executable(name: "lumbung", targets: ["lumbung"]),
    .executable(name: "lumbung-central", targets: ["lumbung-central"]),
  ],
  dependencies: [
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
  ],
  targets: [
    // System libraries, with shims for what Swift can't call.
    .systemLibrary(name: "CMosquitto", pkgConfig: "libmosquitto", providers: [.apt(["libmosquitto-dev"])]),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CMalloc"),
    .target(name: "CSocketBuffer"),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libssl", providers: [.apt(["libssl-dev"])]),
    .target(
      name: "CSimdJSON", cxxSettings: [.unsafeFlags(["-O2"], .when(configuration: .debug))],
      linkerSettings: [.linkedLibrary("simdjson")]),

    // The rooms.
    room("Telemetry", ["CCrypto"]),
    room("Threads", ["Telemetry"]),
    room("Systemd", ["Telemetry", "Threads", logging]),
    room("Decoding", ["Telemetry", "CSimdJSON", "CCrypto"]),
    room("Windows", ["Telemetry"]),
    room("Alarms", ["Telemetry"]),
    // A C target, for what SQLite calls: the checksums of pages.
    .target(name: "CPageChecks", dependencies: ["CSQLite"]),
    room("SQLite", ["CSQLite", "CPageChecks"]),
    room("Journal", ["SQLite", "CZstd", "Telemetry"]),
    room("Outbox", ["SQLite", "CZstd", "CZlib", "Telemetry", "Threads"]),
    room("MQTT", ["CMosquitto", "CSocketBuffer", "Telemetry", "Threads"]),
    room("Uplinks", ["Outbox", "MQTT", "Telemetry", "Threads", "CCurl"]),
    room("Settings", ["Telemetry", toml]),
    room("Derive", ["Telemetry", "Threads", "Decoding", "Windows", "Alarms", "SQLite", "Journal", "Outbox"]),
    room("TLS", ["COpenSSL", hummingbirdCore, logging]),
    room("LocalAPI", ["TLS", hummingbird, lifecycle, logging]),
    room(
      "Gateway",
      [
        "Telemetry", "Decoding", "Windows", "Alarms", "Journal", "Outbox", "MQTT", "Uplinks", "Settings", "Derive",
        "LocalAPI", "SQLite", "Systemd", "TLS", "Threads", "CMalloc", lifecycle, logging,
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ]),
    room("Simulation", ["Telemetry", "MQTT"]),
    room("Discovery", ["Telemetry", "Decoding", "Settings"]),
    room(
      "Central",
      ["SQLite", "Systemd", "Telemetry", "Threads", "TLS", hummingbird, lifecycle, logging, "CZstd", "CZlib"]),
    .executableTarget(
      name: "lumbung",
      dependencies: [
        "Gateway", "Settings", "Decoding", "Derive", "Discovery", "Journal", "Outbox", "MQTT", "Simulation",
        "Telemetry", "Systemd", "TLS", "Threads", "Uplinks",
        arguments, lifecycle, logging, .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "lumbung-central", dependencies: ["Central", "Systemd", "TLS", arguments, lifecycle, logging],
      swiftSettings: strict),

    // Proofs of what the store promises; built for `make faults` alone, and in no package.
    .target(name: "CFaultVFS", dependencies: ["CSQLite"]),
    .executableTarget(
      name: "lumbung-faults",
      dependencies: [
        "CFaultVFS", "Derive", "Journal", "Outbox", "SQLite", "Telemetry", "Threads", "Windows", arguments,
      ],
      swiftSettings: strict),

    // What `make bench` and the guard of instruction counts measure; in no package either.
    .target(name: "CCallgrind", path: "Benchmarks/CCallgrind"),
    .target(
      name: "HotParts",
      dependencies: [
        "Alarms", "Decoding", "Derive", "Journal", "Outbox", "Settings", "Simulation", "Telemetry", "Windows",
      ],
      path: "Benchmarks/HotParts", swiftSettings: strict),
    .executableTarget(
      name: "lumbung-bench", dependencies: ["CCallgrind", "HotParts", "Simulation", "Telemetry", "Windows", arguments],
      path: "Benchmarks/lumbung-bench", swiftSettings: strict),

    // Tests mirror targets.
    tests("Telemetry", []),
    tests("Threads", ["Telemetry"]),
    tests("Systemd", ["Telemetry", logging]),
    tests("Decoding", ["Telemetry", "Settings"]),
    tests("Windows", ["Telemetry"]),
    tests("Alarms", ["Telemetry"]),
    tests("SQLite", []),
    tests("Journal", ["SQLite", "Telemetry"]),
    tests("Outbox", ["SQLite", "Telemetry"]),
    tests("MQTT", ["CSocketBuffer", "Threads"]),
    tests("Uplinks", ["Outbox", "MQTT", "Telemetry", "Threads"]),
    tests("Settings", ["Telemetry"]),
    tests("Derive", ["Telemetry", "Windows", "Alarms", "Decoding", "Journal", "Outbox", "SQLite"]),
    tests("LocalAPI", []),
    tests("Gateway", ["Settings", "Journal", "Outbox", "Telemetry"]),
    tests("Simulation", ["Telemetry", "Settings", "Decoding"]),
    tests("Discovery", ["Telemetry", "Settings", "Decoding", "Simulation"]),
    tests("Central", ["Telemetry"]),
  ],
  cxxLanguageStandard: .cxx17
)

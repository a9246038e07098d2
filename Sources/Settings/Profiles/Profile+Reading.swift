import Telemetry

extension Profile {
  /// The text of a profile file; `file` is what the faults call it. Throws all faults at once.
  public init(parsing text: String, name: String, file: String) throws(SettingsFaults) {
    let collector = FaultCollector(file: file)
    var profile: Profile?
    if let root = TOMLDocument.parse(text, collector), case .table(let entries) = root.value {
      let table = TableReader(entries, title: "the profile", line: nil, collector: collector)
      profile = Profile(reading: table, name: name)
    }
    try collector.finish()
    guard let profile else {
      throw SettingsFaults([SettingsFault(file: file, line: nil, message: "the file holds no profile")])
    }
    self = profile
  }

  private init?(reading table: TableReader, name: String) {
    let about = table.text("about", example: "WLED light controllers") ?? ""
    let deviceClass = table.choice("class", DeviceClass.self)
    let bridge = table.template("bridge", example: "{prefix}")
    table.require("device", example: "\"{device}\"")
    let device = table.template("device", example: "{device}")
    let site = table.template("site", example: "{site}")
    table.require("message", example: "[[message]]")
    let messages = table.tables("message", title: "[[message]]").compactMap { MessageRule(reading: $0) }
    table.finish()
    guard let device else { return nil }
    self.init(
      name: name, about: about, deviceClass: deviceClass ?? .other, device: device, site: site, bridge: bridge,
      messages: messages)
  }
}

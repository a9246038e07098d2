/// What comes out of a script where nothing is interrupted, deleted or dropped.
enum Reference {
  static func outcome(_ script: Script, in folder: Folder) throws -> [String: [UInt8]] {
    try folder.begin(script.start)
    let gateway = try Gateway(folder: folder.path, script: script, synchronous: "OFF")
    var receiver = Receiver(begun: script.start?.delivered ?? [:])
    for step in script.steps {
      _ = try gateway.append(step)
      try gateway.derive()
    }
    try gateway.finish()
    try gateway.send(received: { receiver.receive($0) }, settled: { receiver.settle($0) })
    return receiver.outcome()
  }
}

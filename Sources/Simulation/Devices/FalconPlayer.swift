import Telemetry

/// A videotron driven by Falcon Player: `falcon/player/{host}/…`, numbers as strings here and there, local time on a
/// twelve-hour clock, one real epoch time in the scheduler.
struct FalconPlayer: DeviceModel {
  private enum Stream: Int { case status, ports, playlist }

  private static let ports = 4
  private static let playlists = ["Pengumuman", "Layanan Publik", "Siaga Banjir", "Wisata", "Idle30"]

  let name: String
  let streams: [ReportStream]
  private let prefix: String
  private let identity: String
  private var uptime: Uptime
  private var playlist = 0
  private var temperature: Double

  init(name: String, number: Int, interval: Span, random: inout SeededRandom) {
    self.name = name
    prefix = "falcon/player/\(name)/"
    let twice = Span(nanoseconds: interval.nanoseconds * 2)
    streams = [ReportStream(interval: interval), ReportStream(interval: twice), ReportStream(interval: twice)]
    identity = "M2-videotron-\(number)"
    uptime = Uptime(random: &random)
    temperature = random.between(44, 58)
  }

  mutating func connect(at moment: Moment, random: inout SeededRandom, drafts: inout [Draft]) {
    drafts.append(.announcement(prefix + "ready", "1"))
  }

  func will() -> [Draft] { [.announcement(prefix + "ready", "0")] }

  mutating func restart(at moment: Moment) { uptime.restart(at: moment) }

  mutating func report(_ stream: Int, at moment: Moment, random: inout SeededRandom, drafts: inout [Draft]) {
    switch Stream(rawValue: stream) {
    case .status:
      temperature = min(78, max(38, temperature + random.between(-0.5, 0.5)))
      drafts.append(
        Draft(
          topic: prefix + "fppd_status", payload: status(at: moment, &random), nature: .dated,
          time: moment.time.floored(to: .seconds(1))))
    case .ports: drafts.append(Draft(topic: prefix + "port_status", payload: ports(&random), nature: .undated))
    case .playlist:
      playlist = (playlist + 1) % FalconPlayer.playlists.count
      drafts.append(Draft(topic: prefix + "playlist_details", payload: details(&random), nature: .undated))
    case nil: break
    }
  }

  private func status(at moment: Moment, _ random: inout SeededRandom) -> [UInt8] {
    let local = LocalTime(moment.time)
    let now = moment.time.nanoseconds.flooredQuotient(1_000_000_000)
    let up = uptime.seconds(at: moment)
    let elapsed = random.integer(0...29)
    var out = PayloadWriter(capacity: 1300)
    out.text(#"{"MQTT":{"configured":true,"connected":true},"branch":"v8.4","bridging":false,"#)
    out.text(#""current_playlist":{"count":"5","description":"","index":""#)
    out.integer(playlist + 1)
    out.text(#"","playlist":""#)
    out.string(FalconPlayer.playlists[playlist])
    out.text(#"","type":"media"},"current_sequence":"","current_song":"","dateStr":""#)
    local.writeDay(to: &out)
    out.text(#"","fppd":"running","mode":2,"mode_name":"player","multisync":false,"#)
    out.text(#""next_playlist":{"playlist":"Idle30","start_time":"Everyday @ 12:00 AM"},"repeat_mode":1,"#)
    out.text(#""scheduler":{"currentPlaylist":{"actualEndTime":"#)
    out.integer(now + 3600)
    out.text(#","actualStartTime":"#)
    out.integer(now - 3600)
    out.text(#","currentTime":"#)
    out.integer(now)
    out.text(#","currentTimeStr":""#)
    local.writeDay(to: &out)
    out.text(" @ ")
    local.writeTwelveHours(to: &out)
    out.text(#"","playlistName":""#)
    out.string(FalconPlayer.playlists[playlist])
    out.text(#"","secondsRemaining":3600},"enabled":1,"status":"playing"},"seconds_elapsed":""#)
    out.integer(elapsed)
    out.text(#"","seconds_played":""#)
    out.integer(elapsed)
    out.text(#"","seconds_remaining":""#)
    out.integer(30 - elapsed)
    out.text(#"","sensors":[{"formatted":""#)
    out.decimal(temperature, 1)
    out.text(#"","label":"Temp: ","postfix":"","prefix":"","value":"#)
    out.decimal(temperature, 6)
    let volts = random.between(4.92, 5.12)
    out.text(#","valueType":"Temperature"},{"formatted":""#)
    out.decimal(volts, 1)
    out.text(#"V","label":"VIN: ","postfix":"V","prefix":"","value":"#)
    out.decimal(volts, 6)
    out.text(#","valueType":"Voltage"}],"status":1,"status_name":"playing","time":""#)
    local.writeLong(to: &out)
    out.text(#"","timeStr":""#)
    local.writeTwelveHours(to: &out)
    out.text(#"","uptime":""#)
    out.padded(Int(up / 60 % 60), 2)
    out.text(":")
    out.padded(Int(up % 60), 2)
    out.text(#"","uptimeSeconds":"#)
    out.integer(up % 60)
    out.text(#","uptimeTotalSeconds":"#)
    out.integer(up)
    out.text(#","uuid":""#)
    out.string(identity)
    out.text(#"","version":"8.4","volume":70}"#)
    return out.bytes
  }

  private func ports(_ random: inout SeededRandom) -> [UInt8] {
    var out = PayloadWriter(capacity: 320)
    for port in 1...FalconPlayer.ports {
      out.text(port == 1 ? #"[{"col":"# : #",{"col":"#)
      out.integer(port)
      out.text(#","enabled":true,"ma":"#)
      out.integer(random.integer(380...1900))
      out.text(#","name":"Port #"#)
      out.integer(port)
      out.text(#"","row":1,"status":true}"#)
    }
    out.text("]")
    return out.bytes
  }

  private func details(_ random: inout SeededRandom) -> [UInt8] {
    let total = random.integer(15...60)
    let elapsed = random.integer(0...14)
    var out = PayloadWriter(capacity: 360)
    out.text(#"{"status":"playing","activePlaylist":[{"name":""#)
    out.string(FalconPlayer.playlists[playlist])
    out.text(#"","desc":"","repeat":1,"currentItems":[{"type":"media","mediaTitle":"","mediaName":"spot-"#)
    out.padded(random.integer(1...24), 2)
    out.text(#".mp4","mediaArtist":"","secondsRemaining":"#)
    out.integer(total - elapsed)
    out.text(#","secondsTotal":"#)
    out.integer(total)
    out.text(#","secondsElapsed":"#)
    out.integer(elapsed)
    out.text("}]}]}")
    return out.bytes
  }
}

import Outbox
import Telemetry
import Testing

@testable import Uplinks

@Suite("Line protocol")
struct InfluxTests {
  private func line(_ write: (inout LineProtocol) -> Void) -> String {
    var lines = LineProtocol()
    write(&lines)
    return String(decoding: lines.bytes, as: UTF8.self)
  }

  @Test("names, tags and texts are escaped so that they are read back as they were")
  func escaping() {
    let text = line {
      $0.point(
        "my metric,x", tags: [("site", "a b,c=d"), ("empty", ""), ("none", nil), ("path", "c:\\")],
        fields: [("v", .number(1.5)), ("s", .text("say \"hi\" \\ \n"))], milliseconds: 1)
    }
    #expect(text == #"my\ metric\,x,site=a\ b\,c\=d,path=c:/ v=1.5,s="say \"hi\" \\  " 1"# + "\n")
  }

  @Test("a point without a finite figure is none")
  func empty() {
    #expect(line { $0.point("m", tags: [], fields: [("v", .number(.nan))], milliseconds: 1) } == "")
  }

  @Test("a metric's labels become tags")
  func labels() {
    #expect(InfluxFormat.parts(of: "hw.temperature").labels.isEmpty)
    let (metric, labels) = InfluxFormat.parts(of: "hw.temperature{disk=1,slot=a=b}")
    #expect(metric == "hw.temperature")
    #expect(labels.map(\.0) == ["disk", "slot"] && labels.map(\.1) == ["1", "a=b"])
  }

  @Test("one line for each metric and window, at the window's start; reports of the gateway have none")
  func batch() throws {
    let bench = try Bench("http://127.0.0.1:1")
    let summary = """
      {"type":"summary","device":"a/cam 1","class":"camera","site":"a","start":"2026-11-22T03:40:00Z",\
      "end":"2026-11-22T03:45:00Z","revision":0,"received":10,"metrics":{\
      "camera.fps":{"kind":"gauge","unit":"1/s","count":10,"mean":24.72},\
      "hw.temperature{disk=1}":{"kind":"gauge","unit":"Cel","count":1,"mean":4e1},\
      "availability":{"kind":"state","count":10,"last":"online","changes":2,"seconds":{"online":280.0,"offline":20}}}}
      """
    try bench.outbox.transaction { transaction in
      transaction.append(.summary, Array(summary.utf8))
      transaction.append(.status, Array(#"{"type":"status","devices":3}"#.utf8))
      transaction.append(
        .alarm,
        Array(
          #"{"type":"alarm","id":"x","transition":"raised","device":"d","class":"other","rule":"r","severity":"info","value":3,"time":"2026-11-22T03:40:00.5Z","message":"m"}"#
            .utf8))
    }
    let format = InfluxFormat(address: try #require(Address("http://h:8086?db=lumbung")), gateway: "gw")
    #expect(format.url == "http://h:8086/write?precision=ms&db=lumbung")
    func lines(_ lane: Lane) throws -> [String]? {
      let batch = try #require(try bench.outbox.nextBatch(for: "central", lane: lane))
      guard let request = try format.request(for: batch, .gzip) else { return nil }
      #expect(request.headers.contains("Content-Encoding: gzip"))
      return try Gunzip.text(request.body).split(separator: "\n").map(String.init)
    }
    let start = "1795318800000"
    #expect(
      try lines(.summary) == [
        #"camera.fps,gateway=gw,epoch=e1,device=a/cam\ 1,class=camera,site=a,kind=gauge,unit=1/s count=10.0,mean=24.72 "#
          + start,
        #"hw.temperature,gateway=gw,epoch=e1,device=a/cam\ 1,class=camera,site=a,kind=gauge,unit=Cel,disk=1 count=1.0,mean=40.0 "#
          + start,
        #"availability,gateway=gw,epoch=e1,device=a/cam\ 1,class=camera,site=a,kind=state count=10.0,state="online",changes=2.0,seconds.online=280.0,seconds.offline=20.0 "#
          + start,
      ])
    #expect(try lines(.status) == nil)
    #expect(
      try lines(.alarm) == [
        #"alarm,gateway=gw,device=d,class=other,rule=r,severity=info active=1.0,value=3.0,message="m" 1795318800500"#
      ])
  }

  @Test("a token is sent as such, a name and a password as Basic")
  func authorization() throws {
    let format = InfluxFormat(address: try #require(Address("http://h")), gateway: "gw")
    #expect(format.authorization("abc") == "Token abc")
    #expect(format.authorization("user:pass") == "Basic dXNlcjpwYXNz")
    #expect(Base64Text.encode(Array("M".utf8)) == "TQ==" && Base64Text.encode(Array("Ma".utf8)) == "TWE=")
    #expect(Base64Text.encode([]) == "" && Base64Text.encode(Array("Man".utf8)) == "TWFu")
  }
}

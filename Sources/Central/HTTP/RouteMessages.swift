/// A request, as far as the receiver looks at it.
public struct RouteRequest: Sendable {
  public struct BodyTooLarge: Error {}

  public var method: String
  /// Without the query.
  public var path: String
  /// What follows the `?`, as it came.
  public var query: String
  public var authorization: String?
  public var contentEncoding: String?
  public var contentLength: Int?
  /// Reads the body; throws `BodyTooLarge` beyond so many bytes.
  public var body: @Sendable (_ maximum: Int) async throws -> [UInt8]

  public init(
    method: String, path: String, query: String = "", authorization: String? = nil, contentEncoding: String? = nil,
    contentLength: Int? = nil, body: @escaping @Sendable (_ maximum: Int) async throws -> [UInt8] = { _ in [] }
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.authorization = authorization
    self.contentEncoding = contentEncoding
    self.contentLength = contentLength
    self.body = body
  }
}

/// An answer to a `RouteRequest`.
public struct RouteAnswer: Sendable {
  public var status: Int
  public var contentType: String
  public var body: [UInt8]
  /// Beyond those that every answer bears.
  public var headers: [(name: String, value: String)] = []

  static let json = "application/json"

  init(_ status: Int, _ body: [UInt8], contentType: String = RouteAnswer.json) {
    self.status = status
    self.body = body
    self.contentType = contentType
  }

  func with(_ name: String, _ value: String) -> RouteAnswer {
    var answer = self
    answer.headers.append((name, value))
    return answer
  }
}

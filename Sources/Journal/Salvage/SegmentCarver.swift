/// Finds segments in a file and its log without help from SQLite's trees: every page that looks like one of rows is
/// looked through, and what decodes with its checksum right is a segment, wherever it lies. Damage to anything but a
/// segment's own bytes thus costs nothing.
struct SegmentCarver {
  /// Where a segment was found.
  struct Find {
    var id: Int64
    var count: Int
    /// A page of the file, or a frame of the log.
    var place: Place
    var cell: Int
  }

  enum Place: Equatable {
    case file(page: Int)
    case log(frame: Int)
  }

  private let file: PageFile?
  private let log: LogImage?
  private let decoder: SegmentDecoder
  /// The log's frames of each page, in order.
  private let frames: [Int: [Int]]

  init(file: PageFile?, log: LogImage?) throws(SegmentDamage) {
    self.file = file
    self.log = log
    decoder = try SegmentDecoder()
    var frames: [Int: [Int]] = [:]
    for (index, frame) in (log?.frames ?? []).enumerated() { frames[frame.page, default: []].append(index) }
    self.frames = frames
  }

  /// Calls `body` for every segment found; one that lies in several places comes several times.
  func forEach(_ body: (Find, Segment) -> Void) {
    // The log goes first: of several copies the later one is met first.
    for frame in (log?.frames ?? []).indices.reversed() { carve(.log(frame: frame), body) }
    for page in stride(from: 1, through: file?.count ?? 0, by: 1) { carve(.file(page: page), body) }
  }

  /// Only the log's frames from `frame` on.
  func forEach(fromFrame frame: Int, _ body: (Find, Segment) -> Void) {
    for frame in (log?.frames ?? []).indices.dropFirst(frame) { carve(.log(frame: frame), body) }
  }

  /// The frame of a segment found before, and what it holds.
  func read(_ find: Find) -> (frame: [UInt8], segment: Segment)? {
    guard let cells = cells(find.place), cells.indices.contains(find.cell) else { return nil }
    return read(cells[find.cell], at: find.place)
  }

  private func carve(_ place: Place, _ body: (Find, Segment) -> Void) {
    for (index, cell) in (cells(place) ?? []).enumerated() {
      guard let (_, segment) = read(cell, at: place) else { continue }
      body(Find(id: segment.id, count: segment.count, place: place, cell: index), segment)
    }
  }

  private func cells(_ place: Place) -> [LeafPage.Cell]? {
    switch place {
    case .file(let page): file?.page(page).flatMap { LeafPage($0[...]) }?.cells
    case .log(let frame): log.flatMap { LeafPage($0.page(of: frame)) }?.cells
    }
  }

  private func read(_ cell: LeafPage.Cell, at place: Place) -> (frame: [UInt8], segment: Segment)? {
    // The content is the row's last column; a few numbers come before it. Rows of other tables are passed by cheaply.
    let head = cell.local.prefix(80)
    guard let start = head.indices.first(where: { SegmentDecoder.startsLikeFrame(cell.local[$0...]) }) else {
      return nil
    }
    let frameLength = cell.length - (start - cell.local.startIndex)
    for limit in overlays(place) {
      guard let frame = gather(cell, from: start, length: frameLength, upToFrame: limit) else { continue }
      if let segment = frame.withUnsafeBytes({ try? decoder.decode($0) }) { return (frame, segment) }
      if cell.overflow == 0 { return nil }
    }
    return nil
  }

  /// Up to which frame of the log pages are taken from it before the file is asked: the states in which the row's
  /// other pages may be the right ones, the likeliest first. −1 asks the file alone.
  private func overlays(_ place: Place) -> [Int] {
    switch place {
    case .file: [-1, (log?.believed ?? 0) - 1]
    case .log(let frame): [log?.lastFrame(ofTransactionWith: frame) ?? -1, -1]
    }
  }

  private func gather(_ cell: LeafPage.Cell, from start: Int, length: Int, upToFrame limit: Int) -> [UInt8]? {
    var out = Array(cell.local[start...])
    var next = cell.overflow
    while out.count < length {
      guard let page = page(next, upToFrame: limit), page.count > 4 else { return nil }
      next = page.prefix(4).reduce(0) { $0 << 8 | Int($1) }
      out.append(contentsOf: page.dropFirst(4).prefix(length - out.count))
    }
    return out
  }

  private func page(_ number: Int, upToFrame limit: Int) -> ArraySlice<UInt8>? {
    if let log, let frame = frames[number]?.last(where: { $0 <= limit }) { return log.page(of: frame) }
    return file?.page(number)?[...]
  }
}

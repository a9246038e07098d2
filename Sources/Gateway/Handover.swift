/// Lets a value that is no `Sendable` go over to another thread: whoever hands it over touches it no more.
struct Handover<T>: @unchecked Sendable {
  let value: T
  init(_ value: T) { self.value = value }
}

/// Pages of records, one by one. While you have one, the next one is already asked for. After an error the same
/// iterator goes on, after a `DecodingError` with the page behind that one; after a cancellation, begin again.
public struct Pages<Row: Decodable & Sendable>: AsyncSequence, Sendable {
    let walk: @Sendable () -> NativePages

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(native: walk()) }

    /// One walk; its copies go on together.
    public struct AsyncIterator: AsyncIteratorProtocol, Sendable {
        let native: NativePages

        /// The next page; nil after the last one.
        public func next() async throws -> [Row]? {
            try (try await crossing { try await native.next($0) }).map(decoded)
        }
    }
}

/// The items of all pages of a list, one by one. After an error the same iterator goes on.
public struct Items<Item: Sendable>: AsyncSequence, Sendable {
    private let page: @Sendable (_ after: String?) async throws -> (items: [Item], next: String?)

    init<Answer: Page>(_ page: @escaping @Sendable (_ after: String?) async throws -> Answer) where Answer.Item == Item {
        self.page = {
            let page = try await page($0)
            return (page.items, page.next)
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(page: page) }

    /// One walk.
    public struct AsyncIterator: AsyncIteratorProtocol, Sendable {
        let page: @Sendable (_ after: String?) async throws -> (items: [Item], next: String?)
        var waiting: ArraySlice<Item> = []
        var after: String?
        var ended = false

        /// The next item; nil at the end.
        public mutating func next() async throws -> Item? {
            while waiting.isEmpty, !ended {
                let page = try await page(after)
                (waiting, after, ended) = (page.items[...], page.next, page.next == nil)
            }
            return waiting.popFirst()
        }
    }
}

/// What all lists answer with.
protocol Page {
    associatedtype Item: Sendable
    var items: [Item] { get }
    var next: String? { get }
}

extension AccountPage: Page {}
extension InstancePage: Page {}
extension ConnectionPage: Page {}
extension DeliveryPage: Page {}
extension EventPage: Page {}

/// Events as they happen, until the client is closed or the task is cancelled. Who lets more than 1,024 of them wait
/// misses the oldest and is told so; the log has them all.
public struct Subscription: AsyncSequence, AsyncIteratorProtocol, Sendable {
    let native: NativeSubscription

    public func makeAsyncIterator() -> Self { self }

    /// The next event; nil at the end.
    public func next() async -> Event? { try? await crossing { try await native.next($0) } }
}

/// Pages, one by one, each asked for when the one before is done with. After an error the same iterator goes on.
public struct Pages<Item: Sendable>: AsyncSequence, Sendable {
    private let iterator: AsyncIterator

    init<Answer: Page>(_ page: @escaping @Sendable (_ after: String?) async throws -> Answer) where Answer.Item == Item {
        iterator = AsyncIterator {
            let page = try await page($0)
            return (page.items, page.next)
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { iterator }

    public struct AsyncIterator: AsyncIteratorProtocol, Sendable {
        let page: @Sendable (_ after: String?) async throws -> (items: [Item], next: String?)
        var after: String?
        var ended = false

        public mutating func next() async throws -> [Item]? {
            if ended { return nil }
            let page = try await page(after)
            (after, ended) = (page.next, page.next == nil)
            return ended && page.items.isEmpty ? nil : page.items
        }
    }
}

/// The items of all pages, one by one.
public struct Items<Item: Sendable>: AsyncSequence, Sendable {
    private let pages: Pages<Item>

    init<Answer: Page>(_ page: @escaping @Sendable (_ after: String?) async throws -> Answer) where Answer.Item == Item {
        pages = Pages(page)
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(pages: pages.makeAsyncIterator()) }

    public struct AsyncIterator: AsyncIteratorProtocol {
        var pages: Pages<Item>.AsyncIterator
        var waiting: ArraySlice<Item> = []

        public mutating func next() async throws -> Item? {
            while waiting.isEmpty {
                guard let page = try await pages.next() else { return nil }
                waiting = page[...]
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
extension RecordPage: Page {}

/// Events as they happen, until the client is closed or the task is cancelled. Who lets more than 1,024 of them wait
/// misses the oldest and is told so; the log has them all.
public struct Subscription: AsyncSequence, AsyncIteratorProtocol, Sendable {
    let native: NativeSubscription

    public func makeAsyncIterator() -> Self { self }

    /// The next event; nil at the end.
    public func next() async -> Event? { try? await crossing { try await native.next($0) } }
}

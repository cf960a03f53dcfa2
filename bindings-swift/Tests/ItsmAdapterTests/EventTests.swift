import Foundation
import Testing

@testable import ItsmAdapter

/// Events and log lines on their way to the host.
@Suite(.serialized) struct EventTests {
    struct Boom: Error {}

    @Test func observersAndSubscribersHearTheSame() async throws {
        let world = try await World()
        let client = try await world.client()
        let heard = Kept<Event>()
        let id = client.observe(Listener { heard.keep($0) })
        let events = client.subscribe()
        _ = try await client.accounts.add(world.addAccount)
        let told = try #require(await events.next())
        #expect(told.kind == .accountAdded && told.customerId == world.customer)
        #expect(heard.all == [told])
        client.unobserve(id)
        try await client.accounts.remove(world.customer)
        #expect(await events.next()?.kind == .accountRemoved)
        #expect(heard.all.count == 1)
    }

    @Test func anObserverThatThrowsBreaksNothing() async throws {
        let world = try await World()
        let client = try await world.client()
        let heard = Kept<Event>()
        client.observe(Listener { _ in throw Boom() })
        client.observe(Listener { _ in throw ObserverFailure.Thrown(reason: "no") })
        client.observe(Listener { heard.keep($0) })
        _ = try await client.accounts.add(world.addAccount)
        #expect(heard.all.map(\.kind) == [.accountAdded])
        #expect(try await client.accounts.get(world.customer).customerId == world.customer)
    }

    @Test func anObserverMayCallTheClient() async throws {
        let world = try await World()
        let client = try await world.client()
        let seen = Kept<Bool>()
        client.observe(Listener { [client] _ in
            client.unobserve(client.observe(Listener { _ in }))
            seen.keep(client.isClosed)
        })
        _ = try await client.accounts.add(world.addAccount)
        #expect(seen.all == [false])
    }

    @Test func closingEndsASubscription() async throws {
        let client = try await World().client()
        let events = client.subscribe()
        async let count = events.reduce(0) { count, _ in count + 1 }
        client.close()
        #expect(await count == 0)
    }

    @Test func aCancelledSubscriberGetsNoMore() async throws {
        let client = try await World().client()
        let events = client.subscribe()
        let task = Task { await events.next() }
        task.cancel()
        #expect(await task.value == nil)
    }

    @Test func logLinesHoldNoSecret() async throws {
        final class Sink: LogSink {
            let lines = Kept<String>()
            func log(_ level: LogLevel, _ target: String, _ message: String) { lines.keep("\(level) \(target) \(message)") }
        }
        let world = try await World()
        let sink = Sink()
        #expect(Client.forwardLogs(.trace, to: sink))
        _ = try await world.registered()
        Client.forwardLogs(.error, to: sink)
        let lines = sink.lines.all.joined(separator: "\n")
        #expect(lines.contains("accounts") || lines.contains("itsm_adapter"), "\(lines)")
        for secret in [world.account["client_secret"]!, world.endpoint["client_secret"]!, world.user["password"]!] {
            #expect(!lines.contains(secret))
        }
    }
}

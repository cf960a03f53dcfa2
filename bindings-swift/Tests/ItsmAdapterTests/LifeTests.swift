import Foundation
import Testing

@testable import ItsmAdapter

/// What a client does from opening to closing.
@Suite(.serialized) struct LifeTests {
    @Test func fromNothingToAnIncident() async throws {
        let world = try await World()
        let client = try await world.registered()
        let alert = Alert(
            customerId: world.customer, source: "monitor", id: "1", title: "It broke", description: "All of it.",
            severity: .error, raisedAt: Date(timeIntervalSince1970: 1_700_000_000), fields: ["a": "b"])
        let taken = try await client.alerts.submit(alert)
        #expect(taken.alert == alert)
        let delivery = try await client.alerts.deliver(taken.id)
        #expect(delivery.status == .delivered)
        let incident = try #require(delivery.incident)
        let record: Record = try await client.records.get(world.customer, table: "incident", sysId: incident.sysId)
        #expect(record["number"] == incident.number)
        #expect(try await client.alerts.list(statuses: [.delivered]).items == [delivery])
    }

    @Test func recordsAreOfTheCallersTypes() async throws {
        struct Incident: Codable, Equatable { var short_description: String; var sys_id: String? }
        let world = try await World()
        let records = try await world.registered().records
        let made = try await records.insertMany(
            world.customer, table: "incident", records: (0..<7).map { Incident(short_description: "no. \($0)") },
            fields: ["short_description", "sys_id"], inFlight: 3, as: Incident.self)
        #expect(try made.map { try $0.get().short_description } == (0..<7).map { "no. \($0)" })
        var walked: [Incident] = []
        let pages = records.pages(world.customer, table: "incident", fields: ["short_description"], size: 2, as: Incident.self)
        for try await page in pages { walked += page }
        for one in made { #expect(walked.contains(try one.get())) }
        let changed: Incident = try await records.update(
            world.customer, table: "incident", sysId: try made[0].get().sys_id!, record: ["short_description": "new"])
        #expect(changed.short_description == "new")
        await #expect(throws: DecodingError.self) {
            _ = try await records.query(world.customer, table: "incident", limit: 1, as: [String: Int].self)
        }
        let refused = await failure {
            try await records.query(
                world.customer, table: "incident", query: [Condition(field: "x^y", operator: .equals, value: "")],
                as: Record.self)
        }
        #expect(refused?.kind == .invalidInput)
    }

    @Test func whileAPageIsReadTheNextOneIsAskedFor() async throws {
        let world = try await World()
        let records = try await world.registered().records
        let given = (0..<3).map { ["short_description": "no. \($0)", "correlation_display": "walk"] }
        _ = try await records.insertMany(world.customer, table: "incident", records: given, as: Record.self)
        let query = [Condition(field: "correlation_display", operator: .equals, value: "walk")]
        let pages = records.pages(world.customer, table: "incident", query: query, size: 1, as: Record.self)
        let asked = try await world.requests(of: "table:incident:list")
        let walk = pages.makeAsyncIterator()
        #expect(try await walk.next()?.count == 1)
        try await world.seen(asked + 2, on: "table:incident:list")
        #expect(try await pages.reduce(0) { $0 + $1.count } == 3)
        #expect(try await walk.next()?.count == 1)

        let wrong = [Condition(field: "x^y", operator: .equals, value: "")]
        let refused = records.pages(world.customer, table: "incident", query: wrong, as: Record.self).makeAsyncIterator()
        #expect(await failure { try await refused.next() }?.kind == .invalidInput)
        #expect(await failure { try await records.query(world.customer, table: "incident", limit: 0, as: Record.self) }?.kind == .invalidInput)
    }

    @Test func listsAreWalkedToTheirEnd() async throws {
        let world = try await World()
        let client = try await world.registered()
        var events: [Event] = []
        for try await event in client.events.iterate() { events.append(event) }
        #expect(events.map(\.kind) == [.accountAdded, .accountUpdated, .registered])
        var one: [Event] = []
        for try await event in client.events.iterate(limit: 1) { one.append(event) }
        #expect(one == events)
        var refused = client.events.iterate(limit: 0).makeAsyncIterator()
        #expect(await failure { try await refused.next() }?.kind == .invalidInput)
        for try await connection in client.connections.iterate() { #expect(connection.status == .registered) }
        for try await account in client.accounts.iterate() { #expect(account.sites.count == 1) }
    }

    @Test func settingsComeFromOptionsElseEnvironmentElseTheErrorNamesBoth() async throws {
        let error = await failure { try await Client.open(ClientOptions(citrixUrl: "http://127.0.0.1:1")) }
        #expect(error?.kind == .invalidInput)
        #expect(error?.message.contains("store") == true && error?.message.contains("ITSM_ADAPTER_STORE") == true)
        #expect(Client.egressRanges(.us) == ["52.158.218.132/30"])
    }

    @Test func errorsAreCasesWithDetailsAndASentence() async throws {
        let world = try await World()
        let client = try await world.client()
        do {
            _ = try await client.accounts.get("nobody")
            Issue.record("no error")
        } catch ItsmError.notFound(let info) {
            #expect(info.operation == "accounts.get")
        }
        let error = try #require(await failure { try await client.accounts.get("nobody") })
        #expect(error.retryable == false)
        #expect((error as any Error).localizedDescription == "\(error.message) \(error.remedy)")
        for kind in ErrorKind.allCases {
            let info = ErrorInfo(
                kind: kind, message: "m", remedy: "r", operation: "", transactionId: nil, attempts: 0, retryable: false,
                retryAfterMs: nil, context: [:])
            #expect(ItsmError(info).info == info)
            #expect("\(ItsmError(info))" == "\(kind.word): m r")
        }
    }

    @Test func afterCloseNothingGoesOn() async throws {
        let world = try await World()
        let client = try await world.client()
        let events = client.subscribe()
        client.close()
        client.close()
        #expect(client.isClosed)
        #expect(await failure { try await client.accounts.list() }?.kind == .illegalState)
        #expect(await failure { try await client.rotateKey() }?.kind == .illegalState)
        #expect(await events.next() == nil)
        #expect(await client.subscribe().next() == nil)
        client.unobserve(client.observe(Listener { _ in }))
    }

    @Test func closeEndsTheCallsUnderWay() async throws {
        let world = try await World()
        let client = try await world.client()
        try await world.hang(on: "citrix", route: "token")
        async let added = client.accounts.add(world.addAccount)
        try await world.seen(1, on: "token")
        client.close()
        do {
            _ = try await added
            Issue.record("no error")
        } catch ItsmError.cancelled(let info) {
            #expect(info.operation == "accounts.add")
        }
    }

    @Test func aKeyIsRotated() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).db").path
        defer { for end in ["", "-wal", "-shm", ".key"] { try? FileManager.default.removeItem(atPath: file + end) } }
        let world = try await World()
        let client = try await world.client(store: file)
        _ = try await client.accounts.add(world.addAccount)
        #expect(try await client.rotateKey().resealed == 1)
        client.close()
        #expect(try await world.client(store: file).accounts.test(world.customer).passed)
    }
}

/// An observer out of a closure.
final class Listener: Observer {
    private let heard: @Sendable (Event) throws -> Void
    init(_ heard: @escaping @Sendable (Event) throws -> Void) { self.heard = heard }
    func onEvent(_ event: Event) throws { try heard(event) }
}

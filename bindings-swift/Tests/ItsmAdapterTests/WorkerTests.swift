import Foundation
import Testing

@testable import ItsmAdapter

/// Workers, and what keeps them going.
@Suite(.serialized) struct WorkerTests {
    @Test func aWorkerDeliversWhatComesAndStopsCleanly() async throws {
        let world = try await World()
        let client = try await world.registered()
        let events = client.subscribe()
        let worker = try await client.alerts.run(RunOptions(concurrency: 4))
        let taken = try await client.alerts.submitMany((0..<5).map { world.alert("\($0)") })
        var done: Set<String> = []
        while done.count < taken.count {
            let event = try #require(await events.next())
            if event.kind == .deliveryDone { done.insert(try #require(event.detail["delivery_id"])) }
        }
        #expect(done == Set(taken.map(\.id)))
        try await worker.stop()
        try await worker.stop()
        try await worker.ended()
        _ = try await client.alerts.submit(world.alert("later"))
        let lag = try await client.alerts.lag(customerId: world.customer)
        #expect(lag.delivered == 5 && lag.pending == 1, "\(lag)")
        #expect(try await client.alerts.drain().pending == 0)
    }

    @Test func closingTheClientEndsItsWorkers() async throws {
        let client = try await World().registered()
        let worker = try await client.alerts.run()
        async let ended: Void = worker.ended()
        client.close()
        try await ended
    }

    @Test func cancellingADrainReachesRust() async throws {
        let world = try await World()
        let client = try await world.registered()
        let taken = try await client.alerts.submit(world.alert("1"))
        try await world.hang(on: "dev1", route: "table:incident:insert")
        let task = Task { try await client.alerts.drain() }
        try await world.seen(1, on: "table:incident:insert")
        task.cancel()
        await #expect(throws: CancellationError.self) { _ = try await task.value }
        try await world.ask("DELETE", "/faults")
        #expect(try await client.alerts.get(taken.id).status != .delivered)
    }

    @Test func cancellingTheWaitForAWorkerLeavesItAtWork() async throws {
        let world = try await World()
        let client = try await world.registered()
        let events = client.subscribe()
        let worker = try await client.alerts.run()
        let waiting = Task { try await worker.ended() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        _ = try await client.alerts.submit(world.alert("1"))
        while try #require(await events.next()).kind != .deliveryDone {}
        try await worker.stop()
    }

    @Test(.timeLimit(.minutes(1))) func aCancelledTaskStopsItsWorker() async throws {
        let client = try await World().registered()
        let worker = try await client.alerts.run()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await worker.stop()
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        try await worker.ended()
    }

    @Test func optionsOutOfBoundsAreRefused() async throws {
        let client = try await World().client()
        #expect(await failure { try await client.alerts.run(RunOptions(concurrency: 0)) }?.kind == .invalidInput)
        #expect(await failure { try await client.alerts.drain(RunOptions(maxAttempts: 0)) }?.kind == .invalidInput)
    }
}

extension World {
    func alert(_ id: String) -> Alert {
        Alert(
            customerId: customer, source: "monitor", id: id, title: "It broke", description: "All of it.",
            severity: .error)
    }
}

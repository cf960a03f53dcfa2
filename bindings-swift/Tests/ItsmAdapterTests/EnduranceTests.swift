import Foundation
import Testing

@testable import ItsmAdapter

/// What the border must withstand.
@Suite(.serialized) struct EnduranceTests {
    @Test func aCancelledTaskReachesRust() async throws {
        let world = try await World()
        let client = try await world.client()
        try await world.hang(on: "citrix", route: "token")
        let task = Task { try await client.accounts.add(world.addAccount) }
        try await world.seen(1, on: "token")
        task.cancel()
        await #expect(throws: CancellationError.self) { _ = try await task.value }
        try await world.ask("DELETE", "/faults")
        _ = try await client.accounts.add(world.addAccount)
    }

    @Test func aTaskCancelledBeforehandDoesNotWait() async throws {
        let world = try await World()
        let client = try await world.client()
        try await world.hang(on: "citrix", route: "token")
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await client.accounts.add(world.addAccount)
        }
        await #expect(throws: CancellationError.self) { _ = try await task.value }
    }

    @Test func cancellingAThousandTimesAtRandomWedgesNothing() async throws {
        let world = try await World()
        let client = try await world.registered()
        let customer = world.customer
        var ended = (answered: 0, cancelled: 0)
        for _ in 0..<1_000 {
            let task = Task { try await client.records.query(customer, table: "incident", limit: 1, as: Record.self) }
            for _ in 0..<Int.random(in: 0..<400) { await Task.yield() }
            task.cancel()
            do {
                _ = try await task.value
                ended.answered += 1
            } catch is CancellationError {
                ended.cancelled += 1
            }
        }
        #expect(ended.answered + ended.cancelled == 1_000)
        #expect(ended.cancelled > 0, "\(ended)")
        _ = try await client.records.query(customer, table: "incident", limit: 1, as: Record.self)
        #expect(try await client.registrations.check(customer, world.instance).status == .registered)
    }

    @Test func aThousandCallsInFlight() async throws {
        let world = try await World()
        let client = try await world.registered()
        let customer = world.customer
        let numbers = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<1_000 {
                group.addTask {
                    _ = try await client.records.query(customer, table: "sys_user", limit: 1, as: Record.self)
                    return number
                }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(numbers.count == 1_000)
    }

    @Test func aProcessThatIsStartedWithCallsInFlightHarmsNothing() async throws {
        let world = try await World()
        let client = try await world.registered()
        let customer = world.customer
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    _ = try await client.records.query(customer, table: "sys_user", limit: 1, as: Record.self)
                }
            }
            for _ in 0..<5 {
                let child = Process()
                // A linker is wherever Swift is; a shell need not be.
                child.executableURL = URL(fileURLWithPath: "/usr/bin/ld")
                child.arguments = ["--no-such-option"]
                child.standardError = FileHandle.nullDevice
                try child.run()
                child.waitUntilExit()
                #expect(child.terminationStatus == 1)
            }
            try await group.waitForAll()
        }
        #expect(try await client.registrations.check(customer, world.instance).status == .registered)
    }

    @Test func hostileTextIsRefusedNotCrashedOn() async throws {
        let world = try await World()
        let client = try await world.client()
        let texts = [
            "", "\0", "a\0b", "\r\nX: y", "../..", "😀", "\u{202e}", "%00", "'; drop table accounts; --", "{}",
            String(repeating: "ä", count: 5_000_000), String(repeating: "\u{301}", count: 100_000),
        ]
        for text in texts {
            #expect(await failure { try await client.accounts.get(text) }?.kind == .invalidInput)
            #expect(await failure { try await client.instances.get(text) }?.kind == .invalidInput)
            #expect(await failure { try await client.connections.get(text, text) }?.kind == .invalidInput)
            #expect(await failure { try await client.alerts.get(text) }?.kind == .notFound)
            #expect(await failure { try await client.alerts.submitWebhook(Data(text.utf8)) }?.kind == .invalidInput)
            let request = AddAccount(
                customerId: text, environment: .eu, clientId: text, clientSecret: SecretString(text), name: text)
            let error = await failure { try await client.accounts.add(request) }
            #expect(error?.kind == .invalidInput)
            #expect("\(error.map(String.init(describing:)) ?? "")".count < 1_000)
        }
    }

    @Test func recordsBecomeTheJSONThatTheyAre() throws {
        struct Own: Codable, Equatable { let text: String }
        func back<Given: Codable>(_ given: Given) throws -> Given {
            try JSONDecoder().decode(Given.self, from: Data(try encoded(given).utf8))
        }
        let texts = ["", "plain", "ä😀", "\"", "\\", "a\0b", "\r\n\t", "\u{1f}", "\u{7f}", "\u{2028}", "</script>"]
        for text in texts { #expect(try back(Own(text: text)) == Own(text: text)) }
        let record = Record(uniqueKeysWithValues: texts.map { ($0, $0) })
        #expect(try back(record) == record)
        #expect(try back([record, [:]]) == [record, [:]])
        #expect(try back([Record]()) == [])
        #expect(try back(["there": "x", "not there": nil]) == ["there": "x", "not there": nil])
    }

    @Test func aPanicIsAnErrorLikeAnyOther() async throws {
        let world = try await World()
        let client = try await world.client()
        let error = await failure { try await crossing { try await client.native.panicOnPurpose($0) } }
        #expect(error?.kind == .internal)
        _ = try await client.accounts.add(world.addAccount)
    }

    @Test func secretsDoNotPrint() {
        let secret = "hunter2-hunter2"
        let request = RegisterServiceAccount(
            customerId: "c", instanceUrl: "i", clientId: "id", clientSecret: SecretString(secret), userName: "u",
            password: SecretString(secret))
        var shown = "\(request)" + String(reflecting: request)
        dump(request, to: &shown)
        print(request, SecretString(secret), Optional(SecretString(secret)) as Any, [SecretString(secret)], to: &shown)
        debugPrint(request, SecretString(secret), to: &shown)
        dump(SecretString(secret), to: &shown)
        #expect(!shown.contains("hunter2"))
        #expect(shown.contains("[redacted]"))
        #expect(Mirror(reflecting: SecretString(secret)).children.isEmpty)
        #expect(SecretString(secret) == SecretString(secret) && SecretString(secret) != "other")
        #expect(SecretString(secret).hashValue == SecretString(secret).hashValue)
        #expect(SecretString("").exposed == "" && SecretString("ä\0b").exposed == "ä\0b")
    }
}

import Foundation
import ItsmAdapter

/// Where a scenario is played: its clients, calls under way and variables.
actor Stage {
    typealias Outcome = Result<Json, ItsmError>

    /// Steps, and which modifiers each takes.
    static let steps: [(kind: String, modifiers: Set<String>)] = [
        ("start", ["call", "with", "on", "worker"]),
        ("call", ["with", "on", "worker", "expect", "error", "save", "parallel", "winners"]),
        ("open", ["on", "error"]), ("close", ["on"]), ("await", ["expect", "error", "save"]), ("cancel", []),
        ("subscribe", ["on"]), ("next", ["expect", "save"]), ("events", ["on"]),
        ("control", ["body", "status", "expect", "save"]), ("requests", ["count", "expect"]),
        ("visit", ["expect", "save"]), ("use", []),
    ]

    let simulator: Simulator, recipes: Json, options: Json
    var variables: Json
    var clients: [String: (client: Client, told: Told)] = [:]
    var calls: [String: Task<Outcome, any Error>] = [:]
    var subscriptions: [String: Subscription] = [:]
    var workers: [String: Worker] = [:]

    init(_ simulator: Simulator, recipes: Json, options: Json, variables: Json) {
        (self.simulator, self.recipes, self.options, self.variables) = (simulator, recipes, options, variables)
    }

    func perform(_ steps: [Json]) async throws {
        for (at, step) in ([.object(["open": .object([:])])] + steps).enumerated() {
            do { try await within(seconds: 60) { try await self.step(step) } } catch {
                throw Failure("step \(at) \(step.written.prefix(120)): \(error)")
            }
        }
    }

    func close() {
        calls.values.forEach { $0.cancel() }
        clients.values.forEach { $0.client.close() }
    }

    func step(_ unresolved: Json) async throws {
        let step = try unresolved.resolved(variables)
        guard let (kind, modifiers) = Self.steps.first(where: { step.object?[$0.kind] != nil }) else { throw Failure("no step of the format") }
        if let alien = step.object!.keys.first(where: { ![kind, "note"].contains($0) && !modifiers.contains($0) }) {
            throw Failure("\(alien) does not belong to \(kind)")
        }
        let name = step[kind].text ?? ""
        switch kind {
        case "call": try await call(step)
        case "open": try await open(step)
        case "close": try client(step).client.close()
        case "start": calls[name] = try begin(step)
        case "await": try judge(step, try await under(name).value)
        case "cancel":
            let call = try under(name)
            call.cancel()
            _ = await call.result
        case "subscribe": subscriptions[name] = try client(step).client.subscribe()
        case "next":
            guard let subscription = subscriptions[name] else { throw Failure("there is no such subscription") }
            try judge(step, .success(Json(await subscription.next() as Any)))
        case "events":
            let told = try client(step).told
            try await eventually { try told.take(step["events"]) }
        case "control":
            let (status, answer) = try await simulator.control(name, step["body"])
            guard Double(status) == step["status"].number ?? 200 else { throw Failure("the simulator answered \(status) \(answer.written)") }
            try judge(step, .success(answer))
        case "requests":
            try await eventually { [simulator] in
                let all = try await simulator.control("GET /requests").answer["requests"].list ?? []
                let found = all.filter { (try? step["requests"].match($0)) != nil }
                if let count = step.object?["count"] { try inside("count") { try count.match(.number(Double(found.count))) } }
                try step.object?["expect"]?.match(.list(found))
            }
        case "visit": try judge(step, .success(try await simulator.visit(name)))
        default:
            guard let steps = recipes[name].list else { throw Failure("there is no recipe \(name)") }
            for step in steps { try await self.step(step) }
        }
    }

    private func client(_ step: Json) throws -> (client: Client, told: Told) {
        guard let client = clients[step["on"].text ?? "main"] else { throw Failure("there is no client \(step["on"].written)") }
        return client
    }

    private func under(_ name: String) throws -> Task<Outcome, any Error> {
        guard let call = calls.removeValue(forKey: name) else { throw Failure("no such call was begun") }
        return call
    }

    private func open(_ step: Json) async throws {
        let name = step["on"].text ?? "main"
        clients.removeValue(forKey: name)?.client.close()
        let with = With(json: try options.resolved(variables).under(step["open"]))
        let opened = try await outcome { try await Client.open(with.options) }
        if case .success(let client) = opened {
            let told = Told(simulator.secrets)
            client.observe(told)
            clients[name] = (client, told)
        }
        try judge(step, opened.map { _ in .null })
    }

    private func begin(_ step: Json) throws -> Task<Outcome, any Error> {
        let name = step["call"].text ?? ""
        if let worker = step["worker"].text { return try begin(name, worker: worker, step) }
        let client = try client(step).client
        guard let operation = operations[name] else { throw Failure("there is no operation \(name)") }
        return Task { try await outcome { try await operation(client, With(json: step["with"])) } }
    }

    private func begin(_ name: String, worker: String, _ step: Json) throws -> Task<Outcome, any Error> {
        if name == "alerts.run" {
            let client = try client(step).client
            return Task {
                try await outcome {
                    await self.keep(try await client.alerts.run(With(json: step["with"]).run), as: worker)
                    return .null
                }
            }
        }
        guard let worker = workers[worker] else { throw Failure("there is no worker \(worker)") }
        let work: @Sendable () async throws -> Void
        switch name {
        case "worker.stop": work = worker.stop
        case "worker.ended": work = worker.ended
        default: throw Failure("worker does not belong to \(name)")
        }
        return Task { try await outcome { Json(try await work()) } }
    }

    private func keep(_ worker: Worker, as name: String) { workers[name] = worker }

    private func call(_ step: Json) async throws {
        let copies = Int(step["parallel"].number ?? 1)
        var won = 0
        for call in try (0..<copies).map({ _ in try begin(step) }) {
            let outcome = try await call.value
            var step = step
            if step["winners"] != .null, case .object(var fields) = step {
                if case .success = outcome { (won, fields["error"]) = (won + 1, nil) } else { fields["expect"] = nil }
                step = .object(fields)
            }
            try judge(step, outcome)
        }
        if let winners = step["winners"].number, winners != Double(won) { throw Failure("\(won) calls succeeded, not \(winners)") }
    }

    /// Compares with what the step wants, looks for secrets, keeps what is to be kept.
    private func judge(_ step: Json, _ outcome: Outcome) throws {
        let value: Json
        switch (outcome, step.object?["error"]) {
        case (.success(let result), nil):
            value = result
            if step.object?["control"] == nil { try withoutSecrets(result, simulator.secrets) }
            try step.object?["expect"]?.match(result)
        case (.failure(let error), .some(let wanted)):
            value = Json(error.info)
            try withoutSecrets(value, simulator.secrets)
            if value.texts.contains(where: { $0.count > 4096 }) { throw Failure("a text of the error is too long") }
            try wanted.match(value)
        case (.success(let result), .some): throw Failure("no error, but \(result.written)")
        case (.failure(let error), nil): throw Failure("an error: \(Json(error.info).written)")
        }
        for (name, path) in step["save"].object ?? [:] {
            guard let kept = value.at(path.text!) else { throw Failure("nothing at \(path.text!) to save") }
            variables = variables.under(.object([name: kept]))
        }
    }
}

/// What a client's observer was told.
final class Told: Observer, @unchecked Sendable {
    private let lock = NSLock()
    private let secrets: [String]
    private var events: [Json] = []

    init(_ secrets: [String]) { self.secrets = secrets }
    func onEvent(_ event: Event) { lock.withLock { events.append(Json(event)) } }

    /// Empties the list when it matches.
    func take(_ pattern: Json) throws {
        try lock.withLock {
            try withoutSecrets(.list(events), secrets)
            try pattern.match(.list(events))
            events = []
        }
    }
}

func outcome<Answer: Sendable>(_ call: @Sendable () async throws -> Answer) async throws -> Result<Answer, ItsmError> {
    do { return .success(try await call()) } catch let error as ItsmError { return .failure(error) }
}

func withoutSecrets(_ value: Json, _ secrets: [String]) throws {
    let texts = value.texts
    if secrets.contains(where: { secret in texts.contains { $0.contains(secret) } }) { throw Failure("a secret is shown: \(value.written)") }
}

func within(seconds: Int, _ work: @escaping @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask(operation: work)
        group.addTask {
            try await Task.sleep(for: .seconds(seconds))
            throw Failure("it took too long")
        }
        try await group.next()
        group.cancelAll()
    }
}

/// Looks again until it holds, or for 5 seconds.
func eventually(_ look: @Sendable () async throws -> Void) async throws {
    let end = ContinuousClock.now + .seconds(5)
    while true {
        do { return try await look() } catch where ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(10)) }
    }
}

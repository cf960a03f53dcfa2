import Foundation
import ItsmAdapter

/// Arguments by name.
struct With: Sendable {
    let json: Json

    func text(_ name: String) throws -> String {
        guard let text = json[name].text else { throw Failure("the argument \(name) is missing, or no text") }
        return text
    }
    func some(_ name: String) -> String? { json[name].text }
    func secret(_ name: String) throws -> SecretString { SecretString(try text(name)) }
    func someSecret(_ name: String) -> SecretString? { some(name).map { SecretString($0) } }
    func texts(_ name: String) -> [String]? { json[name].list?.compactMap(\.text) }
    func number(_ name: String) -> UInt32? { json[name].number.map(UInt32.init) }
    func size(_ name: String) throws -> UInt32 {
        guard let number = number(name) else { throw Failure("the argument \(name) is missing, or no number") }
        return number
    }
    func word<Word: CaseIterable>(_ name: String) throws -> Word { try With.word(text(name)) }
    static func word<Word: CaseIterable>(_ text: String) throws -> Word {
        guard let word = Word.allCases.first(where: { snakeCase("\($0)") == text }) else { throw Failure("no \(Word.self): \(text)") }
        return word
    }
    var customer: String { get throws { try text("customer_id") } }
    var instance: String { get throws { try text("instance_url") } }
    var table: String { get throws { try text("table") } }
    var fields: [String] { texts("fields") ?? [] }
    var query: [Condition] {
        get throws {
            try (json["query"].list ?? []).map {
                Condition(field: $0["field"].text!, operator: try With.word($0["operator"].text!), value: $0["value"].text!)
            }
        }
    }
    var connect: Connect {
        get throws { Connect(customerId: try customer, instanceUrl: try instance, instanceName: some("instance_name")) }
    }
    var register: RegisterServiceAccount {
        get throws {
            RegisterServiceAccount(
                customerId: try customer, instanceUrl: try instance, instanceName: some("instance_name"),
                clientId: try text("client_id"), clientSecret: try secret("client_secret"),
                userName: try text("user_name"), password: try secret("password"))
        }
    }
    var alert: Alert {
        get throws {
            Alert(
                customerId: try customer, source: try text("source"), id: try text("id"), title: try text("title"),
                description: try text("description"), severity: try word("severity"),
                state: try some("state") == nil ? .raised : word("state"), priority: some("priority"),
                category: some("category"), policy: some("policy"), target: some("target"), component: some("component"),
                raisedAt: try some("raised_at").map { try Date($0, strategy: .iso8601) },
                fields: json["fields"].object?.compactMapValues(\.text) ?? [:])
        }
    }
    var options: ClientOptions {
        get throws {
            let options = ClientOptions(
                store: some("store"), key: someSecret("key"), oldKeys: texts("old_keys")?.map { SecretString($0) },
                citrixUrl: some("citrix_url"), instanceHosts: texts("instance_hosts"),
                allowPrivateNetworks: json["allow_private_networks"] == .null ? nil : json["allow_private_networks"] == .bool(true),
                proxy: some("proxy"), rootCertificates: texts("root_certificates"),
                connectTimeoutMs: number("connect_timeout_ms"), attemptTimeoutMs: number("attempt_timeout_ms"),
                totalTimeoutMs: number("total_timeout_ms"), maxAttempts: number("max_attempts"),
                concurrencyPerRemote: number("concurrency_per_remote"), transactionLimitMs: number("transaction_limit_ms"),
                wakeUpIntervalMs: number("wake_up_interval_ms"))
            let known = Mirror(reflecting: options).children.map { snakeCase($0.label!) }
            if let unknown = json.object?.keys.first(where: { !known.contains($0) }) { throw Failure("there is no option \(unknown)") }
            return options
        }
    }
}

/// From the name of an operation to its call: what a language with full reflection would not need.
let operations: [String: @Sendable (Client, With) async throws -> Json] = [
    "accounts.add": { c, w in
        Json(try await c.accounts.add(AddAccount(
            customerId: w.customer, environment: w.word("environment"), clientId: w.text("client_id"),
            clientSecret: w.secret("client_secret"), name: w.some("name"))))
    },
    "accounts.update": { c, w in
        Json(try await c.accounts.update(UpdateAccount(
            customerId: w.customer, clientId: w.some("client_id"), clientSecret: w.someSecret("client_secret"), name: w.some("name"))))
    },
    "accounts.get": { c, w in Json(try await c.accounts.get(w.customer)) },
    "accounts.list": { c, w in Json(try await c.accounts.list(after: w.some("after"), limit: w.number("limit"))) },
    "accounts.test": { c, w in Json(try await c.accounts.test(w.customer)) },
    "accounts.entitlement": { c, w in Json(try await c.accounts.entitlement(w.customer)) },
    "accounts.remove": { c, w in Json(try await c.accounts.remove(w.customer)) },
    "instances.get": { c, w in Json(try await c.instances.get(w.instance)) },
    "instances.list": { c, w in Json(try await c.instances.list(after: w.some("after"), limit: w.number("limit"))) },
    "connections.connect": { c, w in Json(try await c.connections.connect(w.connect)) },
    "connections.test": { c, w in Json(try await c.connections.test(w.connect)) },
    "connections.get": { c, w in Json(try await c.connections.get(w.customer, w.instance)) },
    "connections.list": { c, w in
        Json(try await c.connections.list(customerId: w.some("customer_id"), after: w.some("after"), limit: w.number("limit")))
    },
    "connections.disconnect": { c, w in Json(try await c.connections.disconnect(w.customer, w.instance)) },
    "registrations.register": { c, w in Json(try await c.registrations.register(w.register)) },
    "registrations.test": { c, w in Json(try await c.registrations.test(w.register)) },
    "registrations.reauthenticate": { c, w in
        Json(try await c.registrations.reauthenticate(ReauthenticateServiceAccount(
            customerId: w.customer, instanceUrl: w.instance, clientId: w.some("client_id"),
            clientSecret: w.someSecret("client_secret"), userName: w.some("user_name"), password: w.someSecret("password"))))
    },
    "registrations.unregister": { c, w in Json(try await c.registrations.unregister(w.customer, w.instance)) },
    "registrations.check": { c, w in Json(try await c.registrations.check(w.customer, w.instance)) },
    "alerts.submit": { c, w in Json(try await c.alerts.submit(With(json: w.json["alert"]).alert)) },
    "alerts.submit_webhook": { c, w in
        Json(try await c.alerts.submitWebhook(
            Data(w.text("body").utf8), authorization: w.some("authorization"), expected: w.someSecret("expected")) as Any)
    },
    "alerts.deliver": { c, w in Json(try await c.alerts.deliver(w.text("delivery_id"))) },
    "alerts.get": { c, w in Json(try await c.alerts.get(w.text("delivery_id"))) },
    "alerts.list": { c, w in
        Json(try await c.alerts.list(
            customerId: w.some("customer_id"), statuses: (w.texts("statuses") ?? []).map(With.word), after: w.some("after"),
            limit: w.number("limit")))
    },
    "records.get": { c, w in
        Json(try await c.records.get(w.customer, table: w.table, sysId: w.text("sys_id"), fields: w.fields, as: Record.self))
    },
    "records.query": { c, w in
        Json(try await c.records.query(
            w.customer, table: w.table, query: w.query, fields: w.fields, limit: w.size("limit"), as: Record.self))
    },
    "records.page": { c, w in
        Json(try await c.records.page(
            w.customer, table: w.table, query: w.query, fields: w.fields, size: w.size("size"), after: w.some("after"), as: Record.self))
    },
    "records.pages": { c, w in
        let pages = try c.records.pages(w.customer, table: w.table, query: w.query, fields: w.fields, size: w.size("size"), as: Record.self)
        return Json(try await pages.reduce([], +))
    },
    "records.insert": { c, w in
        Json(try await c.records.insert(w.customer, table: w.table, record: w.json["record"], fields: w.fields, as: Record.self))
    },
    "records.insert_many": { c, w in
        let told = try await c.records.insertMany(
            w.customer, table: w.table, records: w.json["records"].list ?? [], fields: w.fields, inFlight: w.size("in_flight"), as: Record.self)
        return .list(try told.map { one in
            do { return .object(["record": Json(try one.get())]) } catch let error as ItsmError { return .object(["error": Json(error.info)]) }
        })
    },
    "records.update": { c, w in
        Json(try await c.records.update(
            w.customer, table: w.table, sysId: w.text("sys_id"), record: w.json["record"], fields: w.fields, as: Record.self))
    },
    "events.list": { c, w in
        Json(try await c.events.list(customerId: w.some("customer_id"), after: w.some("after"), limit: w.number("limit")))
    },
    "client.rotate_key": { c, w in Json(try await c.rotateKey(w.someSecret("new_key"))) },
    "client.is_closed": { c, _ in Json(c.isClosed) },
    "client.egress_ranges": { _, w in Json(Client.egressRanges(try w.word("environment"))) },
]

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
    func word<Case: Word>(_ name: String) throws -> Case { try With.word(text(name)) }
    static func word<Case: Word>(_ text: String) throws -> Case {
        guard let word = Case(word: text) else { throw Failure("no \(Case.self): \(text)") }
        return word
    }
    func instant(_ name: String) throws -> Date? { try some(name).map { try Date($0, strategy: .iso8601) } }
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
    var authorize: Authorize {
        get throws {
            Authorize(
                customerId: try customer, instanceUrl: try instance, instanceName: some("instance_name"),
                clientId: some("client_id"), clientSecret: someSecret("client_secret"), redirectUrl: some("redirect_url"),
                session: someSecret("session"), movesFrom: some("moves_from"),
                allowAnotherUser: json["allow_another_user"] == .bool(true))
        }
    }
    var run: RunOptions {
        RunOptions(
            customerIds: texts("customer_ids"), concurrency: number("concurrency"), maxAttempts: number("max_attempts"),
            pollIntervalMs: number("poll_interval_ms"), batchSize: number("batch_size"))
    }
    var alert: Alert {
        get throws {
            Alert(
                customerId: try customer, source: try text("source"), id: try text("id"), title: try text("title"),
                description: try text("description"), severity: try word("severity"),
                state: try some("state") == nil ? .raised : word("state"), priority: some("priority"),
                category: some("category"), policy: some("policy"), target: some("target"), component: some("component"),
                raisedAt: try instant("raised_at"),
                fields: json["fields"].object?.compactMapValues(\.text) ?? [:])
        }
    }
    private var oauthServer: OauthServer {
        OauthServer(
            instanceUrl: some("instance_url"), authorizationUrl: some("authorization_url"), tokenUrl: some("token_url"),
            revocationUrl: some("revocation_url"), issuer: some("issuer"), scope: some("scope"),
            accessTokenLifespanS: number("access_token_lifespan_s"), refreshTokenLifespanS: number("refresh_token_lifespan_s"))
    }
    var options: ClientOptions {
        get throws {
            let options = ClientOptions(
                store: some("store"), key: someSecret("key"), oldKeys: texts("old_keys")?.map { SecretString($0) },
                citrixUrl: some("citrix_url"), instanceHosts: texts("instance_hosts"),
                allowPrivateNetworks: json["allow_private_networks"] == .null ? nil : json["allow_private_networks"] == .bool(true),
                proxy: someSecret("proxy"), rootCertificates: texts("root_certificates"),
                connectTimeoutMs: number("connect_timeout_ms"), attemptTimeoutMs: number("attempt_timeout_ms"),
                totalTimeoutMs: number("total_timeout_ms"), maxAttempts: number("max_attempts"),
                concurrencyPerRemote: number("concurrency_per_remote"), transactionLimitMs: number("transaction_limit_ms"),
                wakeUpIntervalMs: number("wake_up_interval_ms"),
                oauthServers: json["oauth_servers"].list?.map { With(json: $0).oauthServer },
                grantWarningDays: json["grant_warning_days"].list?.compactMap(\.number).map(UInt32.init),
                probe: json["probe"] == .null ? nil : json["probe"] == .bool(true),
                keepDeliveriesDays: number("keep_deliveries_days"), keepDeadLettersDays: number("keep_dead_letters_days"),
                keepEventsDays: number("keep_events_days"))
            let known = Mirror(reflecting: options).children.map { snakeCase($0.label!) }
            if let unknown = json.object?.keys.first(where: { !known.contains($0) }) { throw Failure("there is no option \(unknown)") }
            return options
        }
    }
}

import Foundation
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

@testable import ItsmAdapter

/// The simulator that tests/swift.sh has started, as new.
struct World: Sendable {
    let citrix, control, instance: String
    let account, secondAccount, endpoint, secondEndpoint, user: [String: String]

    init() async throws {
        let line = try #require(
            ProcessInfo.processInfo.environment["ITSM_SIMULATOR_STARTUP"], "run tests/swift.sh, or set ITSM_SIMULATOR_STARTUP")
        let startup = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        func first(_ list: String, where key: String, is value: String, skip: Int = 0) throws -> [String: String] {
            let rows = try #require(startup[list] as? [[String: Any]])
            let row = try #require(rows.filter { $0[key] as? String == value }.dropFirst(skip).first)
            return row.compactMapValues { $0 as? String }
        }
        citrix = try #require(startup["citrix_url"] as? String)
        control = try #require(startup["control_url"] as? String)
        instance = try #require(startup["servicenow_url"] as? String)
        account = try first("accounts", where: "customer_id", is: "acmecorp0001")
        secondAccount = try first("accounts", where: "customer_id", is: "globexcorp02")
        endpoint = try first("oauth_clients", where: "instance", is: "dev1")
        secondEndpoint = try first("oauth_clients", where: "instance", is: "dev1", skip: 1)
        user = try first("users", where: "user_name", is: "svc.citrix")
        _ = try await ask("POST", "/reset")
    }

    var customer: String { account["customer_id"]! }

    func client(store: String = "memory") async throws -> Client {
        try await Client.open(
            ClientOptions(
                store: store, citrixUrl: citrix, instanceHosts: ["127.0.0.1"], allowPrivateNetworks: true,
                attemptTimeoutMs: 20_000, transactionLimitMs: 500))
    }

    var addAccount: AddAccount {
        AddAccount(
            customerId: customer, environment: .us, clientId: account["client_id"]!,
            clientSecret: SecretString(account["client_secret"]!))
    }

    var register: RegisterServiceAccount {
        RegisterServiceAccount(
            customerId: customer, instanceUrl: instance, clientId: endpoint["client_id"]!,
            clientSecret: SecretString(endpoint["client_secret"]!), userName: user["user_name"]!,
            password: SecretString(user["password"]!))
    }

    /// A client whose account is registered with the instance.
    func registered() async throws -> Client {
        let client = try await client()
        _ = try await client.accounts.add(addAccount)
        _ = try await client.registrations.register(register)
        return client
    }

    @discardableResult
    func ask(_ method: String, _ path: String, _ body: [String: String?]? = nil) async throws -> Data {
        var request = URLRequest(url: URL(string: control + path)!)
        request.httpMethod = method
        if let body {
            request.httpBody = try JSONEncoder().encode(body)
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        }
        let (data, response) = try await URLSession.shared.data(for: request)
        #expect((response as? HTTPURLResponse)?.statusCode == 200, "\(method) \(path)")
        return data
    }

    /// Everything that goes that way is never answered.
    func hang(on system: String, route: String) async throws {
        try await ask("POST", "/faults", ["on": system, "route": route, "fault": "hang", "times": nil])
    }

    /// Comes back when so many requests were made of that route.
    func seen(_ count: Int, on route: String) async throws {
        while try await requests(of: route) < count { await Task.yield() }
    }

    /// How many requests were made of that route.
    func requests(of route: String) async throws -> Int {
        struct Log: Decodable { struct Entry: Decodable { let route: String? }; let requests: [Entry] }
        return try JSONDecoder().decode(Log.self, from: try await ask("GET", "/requests")).requests
            .filter { $0.route?.hasPrefix(route) == true }.count
    }
}

/// The error of a call that must fail.
func failure<Answer>(_ call: () async throws -> Answer) async -> ItsmError? {
    do {
        _ = try await call()
        Issue.record("no error")
    } catch let error as ItsmError {
        return error
    } catch {
        Issue.record("not an ItsmError: \(error)")
    }
    return nil
}

/// Takes what it is given, on any thread.
final class Kept<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var values: [Value] = []
    func keep(_ value: Value) { lock.withLock { values.append(value) } }
    var all: [Value] { lock.withLock { values } }
}

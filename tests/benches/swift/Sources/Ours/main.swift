// The adapter for Swift, as a worker; see ../../../python/work.py.
import Foundation
import ItsmAdapter

let url = CommandLine.arguments[1]
let account = "benchcustomer"
let record = [
    "short_description": "Cloud Connector EDGE01 is offline",
    "description":
        "The Cloud Connector EDGE01 in the resource location Headquarters has not been heard of for 15 minutes.",
    "impact": "2", "urgency": "2", "correlation_id": "citrix-0123456789abcdef0123456789abcdef01234567",
]
struct Made: Codable { let sys_id, number: String }

let folder = FileManager.default.temporaryDirectory.appendingPathComponent("itsm-bench-\(UUID())")
try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
defer { try? FileManager.default.removeItem(at: folder) }
let client = try await Client.open(
    ClientOptions(
        store: folder.appendingPathComponent("adapter.db").path, citrixUrl: url, instanceHosts: ["127.0.0.1"],
        allowPrivateNetworks: true))
let empty = try await Client.open(ClientOptions(store: "memory"))
_ = try await client.accounts.add(
    AddAccount(customerId: account, environment: .us, clientId: "client", clientSecret: "secret"))
_ = try await client.registrations.register(
    RegisterServiceAccount(
        customerId: account, instanceUrl: url, clientId: "client", clientSecret: "secret", userName: "user",
        password: "password"))

@Sendable func insert(_ count: Int, _ inFlight: Int) async throws {
    let client = client, account = account, record = record
    try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<inFlight {
            group.addTask {
                for _ in 0..<count / inFlight {
                    let _: Made = try await client.records.insert(
                        account, table: "incident", record: record, fields: ["sys_id", "number"])
                }
            }
        }
        try await group.waitForAll()
    }
}

func bulk(_ count: Int, _ inFlight: Int) async throws {
    let made = try await client.records.insertMany(
        account, table: "incident", records: Array(repeating: record, count: count), fields: ["sys_id", "number"],
        inFlight: UInt32(inFlight), as: Made.self)
    for one in made { _ = try one.get() }
}

func cpu() -> Double { Double(clock()) / Double(CLOCKS_PER_SEC) }

print("ready")
fflush(nil)
while let line = readLine() {
    let words = line.split(separator: " ")
    let (count, inFlight) = (Int(words[1])!, Int(words[2])!)
    let (wall, used) = (ContinuousClock.now, cpu())
    switch words[0] {
    case "insert": try await insert(count, inFlight)
    case "bulk": try await bulk(count, inFlight)
    case "noop": for _ in 0..<count { _ = try await empty.instances.list() }
    default: for _ in 0..<count { _ = empty.isClosed }
    }
    let took = wall.duration(to: .now)
    print(Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18, cpu() - used)
    fflush(nil)
}

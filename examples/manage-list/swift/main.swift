// The Manage list: checks every registration and shows status, health, and the days left of its grant.
//
// Ends with 1 when something needs a person. ITSM_ADAPTER_STORE names the database.

import Foundation
import ItsmAdapter

let soon = 14

func check(_ connection: Connection, _ client: Client) async throws -> Connection {
    guard connection.status != .unregistered else { return connection }
    do {
        return try await client.registrations.check(connection.customerId, connection.instanceId)
    } catch let error as ItsmError {
        print("\(connection.customerId) at \(connection.instanceId) cannot be checked: \(error)")
        return connection
    }
}

func padded(_ columns: (text: String, width: Int)...) -> String {
    columns.map { $0.text.padding(toLength: max($0.width, $0.text.count), withPad: " ", startingAt: 0) }
        .joined(separator: " ")
}

let client = try await Client.open()
defer { client.close() }

print(padded(("account", 16), ("instance", 36), ("status", 14), ("health", 12), ("days left", 9)))
var needsAPerson = false
for try await known in client.connections.iterate() {
    let connection = try await check(known, client)
    let days = connection.grant?.daysLeft
    print(
        padded(
            (connection.customerId, 16), (connection.instanceName ?? connection.instanceId, 36),
            (connection.status.word, 14), (connection.health.word, 12), (days.map { "\($0)" } ?? "-", 9)))
    if connection.health == .hibernating { print("                 sign in to the instance to wake it") }
    needsAPerson = needsAPerson || connection.status == .unauthorized || (days.map { $0 < soon } ?? false)
}
exit(needsAPerson ? 1 : 0)

// Makes incidents of alerts: one JSON object per line, from the file named by the argument or from standard input.
//
// Every alert is stored first and cannot be lost; a second run with the same lines makes no second incident. Then a
// worker delivers until nothing waits any more. ITSM_ADAPTER_STORE names the database in which the account is
// registered.

import Foundation
import ItsmAdapter

/// One line of the input.
struct Line: Decodable {
    let customer_id, source, id, title, description, severity: String
    let component: String?
    let raised_at: Date?
    let fields: [String: String]?

    var alert: Alert {
        Alert(
            customerId: customer_id, source: source, id: id, title: title, description: description,
            severity: Severity.allCases.first { "\($0)" == severity } ?? .error, component: component,
            raisedAt: raised_at, fields: fields ?? [:])
    }
}

let input = try CommandLine.arguments.dropFirst().first.map { try FileHandle(forReadingFrom: URL(fileURLWithPath: $0)) }
let text = String(decoding: try (input ?? .standardInput).readToEnd() ?? Data(), as: UTF8.self)
let decoder = JSONDecoder()
decoder.dateDecodingStrategy = .iso8601
let alerts = try text.split(separator: "\n").map { try decoder.decode(Line.self, from: Data($0.utf8)).alert }

do {
    let client = try await Client.open()
    defer { client.close() }
    let taken = try await client.alerts.submitMany(alerts)
    let lag = try await client.alerts.drain()
    var done = 0
    for delivery in taken {
        let now = try await client.alerts.get(delivery.id)
        done += now.incident == nil ? 0 : 1
        print("\(now.alert.id): \(now.incident?.number ?? "\(now.status): \(now.failure ?? "-")")")
    }
    print("\(done) of \(taken.count) alerts are incidents; \(lag.dead) dead letters")
    exit(done == taken.count ? 0 : 1)
} catch let error as ItsmError {
    print(error)
    exit(1)
}

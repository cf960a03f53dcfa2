// Makes incidents of alerts: one JSON object per line, from the file named by the argument.
//
// Every alert is stored first and cannot be lost; a second run with the same lines makes no second incident. At most 16
// are delivered at a time. ITSM_ADAPTER_STORE names the database in which the account is registered.

import Foundation
import ItsmAdapter

/// One line of the file.
struct Line: Decodable {
    let customer_id, source, id, title, description, severity: String
    let component: String?
    let raised_at: Date?
    let fields: [String: String]?

    var alert: Alert {
        Alert(
            customerId: customer_id, source: source, id: id, title: title, description: description,
            severity: Severity.allCases.first { "\($0)" == severity } ?? .error, state: .raised, component: component,
            raisedAt: raised_at, fields: fields ?? [:])
    }
}

@Sendable func deliver(_ delivery: Delivery, _ client: Client) async throws -> Bool {
    do {
        let incident = try await client.alerts.deliver(delivery.id).incident
        print("\(delivery.alert.id): \(incident?.number ?? "?")")
        return incident != nil
    } catch let error as ItsmError {
        print("\(delivery.alert.id): \(error.retryable ? "later" : "needs a person"): \(error)")
        return false
    }
}

let lines = try String(contentsOfFile: CommandLine.arguments[1], encoding: .utf8).split(separator: "\n")
let decoder = JSONDecoder()
decoder.dateDecodingStrategy = .iso8601
let client = try await Client.open()
defer { client.close() }

var waiting: [Delivery] = []
for line in lines {
    waiting.append(try await client.alerts.submit(decoder.decode(Line.self, from: Data(line.utf8)).alert))
}
var rest = waiting[...]
let done = try await withThrowingTaskGroup(of: Bool.self) { group in
    for _ in 0..<16 { if let next = rest.popFirst() { group.addTask { try await deliver(next, client) } } }
    var done = 0
    while let delivered = try await group.next() {
        done += delivered ? 1 : 0
        if let next = rest.popFirst() { group.addTask { try await deliver(next, client) } }
    }
    return done
}
print("\(done) of \(waiting.count) alerts are incidents")
exit(done == waiting.count ? 0 : 1)

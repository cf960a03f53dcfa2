// Makes incidents of alerts: one JSON object per line, from the file named by the argument or from standard input.
//
// Every alert is stored first and cannot be lost; a second run with the same lines makes no second incident. Then the
// adapter delivers until nothing waits any more. Ends with 1 when something waits all the same, or cannot be delivered.
// ITSM_ADAPTER_STORE names the database in which the account is registered.

import Foundation
import ItsmAdapter

func leave(_ sentence: String) -> Never {
    print(sentence)
    exit(1)
}

func known<Case: Word>(_ word: String) -> Case {
    guard let known = Case(word: word) else { leave("no \(Case.self): \(word); there are \(Case.allCases.map(\.word))") }
    return known
}

/// One line of the input.
struct Line: Decodable {
    let customer_id, source, id, title, severity: String
    let description, state, priority, category, policy, target, component: String?
    let raised_at: Date?
    let fields: [String: String]?

    var alert: Alert {
        Alert(
            customerId: customer_id, source: source, id: id, title: title, description: description ?? "",
            severity: known(severity), state: known(state ?? "raised"), priority: priority, category: category,
            policy: policy, target: target, component: component, raisedAt: raised_at, fields: fields ?? [:])
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
        print("\(now.alert.id): \(now.incident?.number ?? "\(now.status.word): \(now.failure ?? "-")")")
    }
    print("\(done) of \(taken.count) alerts are incidents; \(lag.dead) dead letters")
    exit(lag.pending + lag.unknown + lag.dead > 0 ? 1 : 0)
} catch let error as ItsmError {
    leave("\(error)")
}

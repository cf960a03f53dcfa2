// Registers an account with an instance through a service account: tests first, then saves.
//
// Takes the customer id and the address of the instance as arguments, the secrets from the environment:
// SERVICENOW_CLIENT_ID, SERVICENOW_CLIENT_SECRET, SERVICENOW_USER, SERVICENOW_PASSWORD. ITSM_ADAPTER_STORE names the
// database that the account was added to.

import Foundation
import ItsmAdapter

func leave(_ sentence: String) -> Never {
    print(sentence)
    exit(1)
}

func given(_ name: String) -> String {
    guard let value = ProcessInfo.processInfo.environment[name] else { leave("set \(name)") }
    return value
}

let arguments = CommandLine.arguments
guard arguments.count == 3 else { leave("usage: register-service-account CUSTOMER INSTANCE") }
let request = RegisterServiceAccount(
    customerId: arguments[1], instanceUrl: arguments[2], clientId: given("SERVICENOW_CLIENT_ID"),
    clientSecret: SecretString(given("SERVICENOW_CLIENT_SECRET")), userName: given("SERVICENOW_USER"),
    password: SecretString(given("SERVICENOW_PASSWORD")))

do {
    let client = try await Client.open()
    defer { client.close() }
    let report = try await client.registrations.test(request)
    for check in report.checks {
        print("\(check.outcome.word)  \(check.name.word)  \(check.seen)")
        if check.outcome == .fail { print("      \(check.remedy)") }
    }
    guard report.passed else { leave("Nothing was saved.") }
    let connection = try await client.registrations.register(request)
    let days = connection.grant?.daysLeft.map { "\($0)" } ?? "-"
    print("\(connection.customerId) is \(connection.status.word) with \(connection.instanceId), days left: \(days)")
} catch ItsmError.alreadyRegistered(let info) {
    leave("Unregister the account from \(info.context["held_by"] ?? "its instance") first.")
} catch ItsmError.unauthorized(let info) {
    leave("The credentials are refused: \(info.message) \(info.remedy)")
} catch let error as ItsmError {
    leave("\(error) (transaction \(error.transactionId ?? "-"))")
}

// Registers an account with an instance through a person's consent, on this machine: the person signs in at the
// instance and clicks Allow, and the browser comes back to a listener of the adapter.
//
// Takes the customer id and the address of the instance as arguments. SERVICENOW_CLIENT_ID, SERVICENOW_CLIENT_SECRET
// and SERVICENOW_REDIRECT_URL are those of the OAuth endpoint; its redirect URL is on this machine, such as
// http://127.0.0.1:8719/callback. ITSM_ADAPTER_STORE names the database that the account was added to.

import Foundation
import ItsmAdapter

func say(_ sentence: String) { FileHandle.standardError.write(Data("\(sentence)\n".utf8)) }

func leave(_ sentence: String) -> Never {
    say(sentence)
    exit(1)
}

func given(_ name: String) -> String {
    guard let value = ProcessInfo.processInfo.environment[name] else { leave("set \(name)") }
    return value
}

let arguments = CommandLine.arguments
guard arguments.count == 3 else { leave("usage: register-user-consent CUSTOMER INSTANCE") }
let request = Authorize(
    customerId: arguments[1], instanceUrl: arguments[2], clientId: given("SERVICENOW_CLIENT_ID"),
    clientSecret: SecretString(given("SERVICENOW_CLIENT_SECRET")), redirectUrl: given("SERVICENOW_REDIRECT_URL"))

do {
    let client = try await Client.open()
    defer { client.close() }
    // Where a browser can be opened, `authorizeInBrowser` does all of it in one call.
    let begun = try await client.registrations.listen(request)
    say("Open this address in a browser of this machine, sign in, and choose Allow:\n\(begun.authorizationUrl)")
    let authorized = try await client.registrations.waitFor(begun.flowId)
    let connection = authorized.connection
    let days = connection.grant?.daysLeft.map { "\($0)" } ?? "-"
    print("\(connection.customerId) is \(connection.status.word) with \(connection.instanceId), days left: \(days)")
    print("signed in: \(authorized.userName ?? "not told")")
    if let previous = authorized.previousUserName { print("in place of: \(previous)") }
} catch ItsmError.consentDenied {
    leave("You did not allow it. Nothing was changed.")
} catch ItsmError.alreadyRegistered(let info) {
    leave("Unregister the account from \(info.context["held_by"] ?? "its instance") first.")
} catch let error as ItsmError {
    leave("\(error) (transaction \(error.transactionId ?? "-"))")
}

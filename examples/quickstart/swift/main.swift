// The whole life of the adapter: nothing, connected, registered, an alert is an incident.
//
// Needs CITRIX_CUSTOMER_ID, CITRIX_CLIENT_ID, CITRIX_CLIENT_SECRET, SERVICENOW_URL, SERVICENOW_CLIENT_ID,
// SERVICENOW_CLIENT_SECRET, SERVICENOW_USER, SERVICENOW_PASSWORD; CITRIX_ENVIRONMENT is "us" when left out, and the
// state is kept in memory unless ITSM_ADAPTER_STORE names a file. The argument is a file with a notification.

import Foundation
import ItsmAdapter

func leave(_ sentence: String) -> Never {
    print(sentence)
    exit(1)
}

let given = ProcessInfo.processInfo.environment
func need(_ name: String) -> String {
    guard let value = given[name] else { leave("set \(name)") }
    return value
}

let (customer, instance) = (need("CITRIX_CUSTOMER_ID"), need("SERVICENOW_URL"))
guard let environment = Environment(word: given["CITRIX_ENVIRONMENT"] ?? "us") else {
    leave("CITRIX_ENVIRONMENT is one of \(Environment.allCases.map(\.word))")
}

do {
    let client = try await Client.open(ClientOptions(store: given["ITSM_ADAPTER_STORE"] ?? "memory"))
    defer { client.close() }
    do { _ = try await client.accounts.get(customer) } catch ItsmError.notFound {
        _ = try await client.accounts.add(
            AddAccount(
                customerId: customer, environment: environment, clientId: need("CITRIX_CLIENT_ID"),
                clientSecret: SecretString(need("CITRIX_CLIENT_SECRET"))))
    }
    let connect = Connect(customerId: customer, instanceUrl: instance, instanceName: "Help desk")
    _ = try await client.connections.connect(connect)
    let connection = try await client.registrations.register(
        RegisterServiceAccount(
            customerId: customer, instanceUrl: instance, clientId: need("SERVICENOW_CLIENT_ID"),
            clientSecret: SecretString(need("SERVICENOW_CLIENT_SECRET")), userName: need("SERVICENOW_USER"),
            password: SecretString(need("SERVICENOW_PASSWORD"))))
    print("\(customer) is \(connection.status.word) with \(connection.instanceId)")

    // What Citrix Cloud sends to a webhook, made out to this account.
    let file = URL(fileURLWithPath: CommandLine.arguments.dropFirst().first ?? "quickstart/notification.json")
    let body = try String(contentsOf: file, encoding: .utf8).replacing("acmecorp0001", with: customer)
    guard let accepted = try await client.alerts.submitWebhook(Data(body.utf8), customerId: customer),
        let incident = try await client.alerts.deliver(accepted.id).incident
    else { leave("the callback tells of something else than a new notification") }
    print("\(incident.number): \(incident.shortDescription) (priority \(incident.priority))")

    let found = try await client.records.query(
        customer, table: "incident",
        query: [Condition(field: "correlation_id", operator: .equals, value: incident.correlationId)],
        fields: ["number", "state"], as: Record.self)
    print("the instance shows \(found)")
} catch let error as ItsmError {
    leave("It ends here, in \(error.operation): \(error) (transaction \(error.transactionId ?? "-"))")
}

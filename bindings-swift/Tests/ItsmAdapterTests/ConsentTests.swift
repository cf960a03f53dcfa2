import Foundation
import Testing

@testable import ItsmAdapter

/// Registering with a user account, at the real login and consent pages of the instance.
@Suite(.serialized) struct ConsentTests {
    @Test func theDeskFlowEndsInARegistration() async throws {
        let (world, client) = try await desk()
        let begun = try await client.registrations.listen(world.authorize)
        try await world.knows(begun.redirectUrl)
        async let authorized = client.registrations.waitFor(begun.flowId)
        let browser = Browser()
        let back = try await browser.consent(at: begun.authorizationUrl, as: world.user, pressing: "authorize")
        #expect(back.absoluteString.hasPrefix(begun.redirectUrl))
        let shown = try await browser.get(back)
        #expect(shown.status == 200 && shown.text.contains("<h1>Registered</h1>"), "\(shown.text)")
        let outcome = try await authorized
        #expect(outcome.userName == world.user["user_name"] && outcome.previousUserName == nil)
        #expect(outcome.connection.status == .registered && outcome.connection.grant?.kind == .userAccount)
        #expect(try await client.connections.get(world.customer, world.instance) == outcome.connection)
        #expect(try await client.registrations.checkAll().healthy == 1)
    }

    @Test func denyingIsAnErrorOfItsOwn() async throws {
        let (world, client) = try await desk()
        let begun = try await client.registrations.listen(world.authorize)
        try await world.knows(begun.redirectUrl)
        async let refused = failure { try await client.registrations.waitFor(begun.flowId) }
        let browser = Browser()
        let back = try await browser.consent(at: begun.authorizationUrl, as: world.user, pressing: "deny")
        #expect(try await browser.get(back).text.contains("<h1>Not allowed</h1>"))
        #expect(await refused?.kind == .consentDenied)
    }

    @Test func aWebApplicationCompletesWithTheSessionThatBegan() async throws {
        let (world, client) = try await desk()
        let redirect = "http://127.0.0.1:9/callback"
        try await world.knows(redirect)
        let begun = try await client.registrations.authorize(world.authorize(redirectUrl: redirect, session: "mine"))
        var shown = "\(begun)" + String(reflecting: begun)
        dump(begun, to: &shown)
        #expect(!shown.contains("state=") && shown.contains("[redacted]") && shown.contains(begun.flowId))
        #expect(begun.authorizationUrl.contains("state="))
        let back = try await Browser().consent(at: begun.authorizationUrl, as: world.user, pressing: "authorize")
        let stranger = await failure { try await client.registrations.complete(back.absoluteString, session: "other") }
        #expect(stranger?.kind == .flowExpired && stranger?.context["reason"] == "session")
        let authorized = try await client.registrations.complete(back.absoluteString, session: "mine")
        #expect(authorized.connection.status == .registered)
        let again = await failure { try await client.registrations.complete(back.absoluteString, session: "mine") }
        #expect(again?.kind == .flowExpired && again?.context["reason"] == "used")
    }

    @Test func cancellingTheWaitGivesTheFlowUp() async throws {
        let (world, client) = try await desk()
        let begun = try await client.registrations.listen(world.authorize)
        try await world.knows(begun.redirectUrl)
        let waiting = Task { try await client.registrations.waitFor(begun.flowId) }
        // The listener answers, so somebody may be waiting; the wait is cancelled before or after it has begun.
        _ = try await Browser().get(try #require(URL(string: begun.redirectUrl)))
        waiting.cancel()
        await #expect(throws: CancellationError.self) { _ = try await waiting.value }
        try await client.registrations.abandon(begun.flowId)
        let back = try await Browser().consent(at: begun.authorizationUrl, as: world.user, pressing: "authorize")
        let late = await failure { try await client.registrations.complete(back.absoluteString) }
        #expect(late?.kind == .flowExpired)
    }

    @Test func aWaitThatIsCancelledBeforeItBeginsLeavesTheFlow() async throws {
        let (world, client) = try await desk()
        let begun = try await client.registrations.listen(world.authorize)
        let waiting = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            _ = try await client.registrations.waitFor(begun.flowId)
        }
        await #expect(throws: CancellationError.self) { try await waiting.value }
        #expect(await failure { try await client.registrations.waitFor(begun.flowId, timeoutMs: 1) }?.kind == .timeout)
        try await client.registrations.abandon(begun.flowId)
    }

    /// A client that knows the account, and nothing else.
    private func desk() async throws -> (World, Client) {
        let world = try await World()
        let client = try await world.client()
        _ = try await client.accounts.add(world.addAccount)
        return (world, client)
    }
}

extension World {
    var authorize: Authorize { authorize() }

    func authorize(redirectUrl: String? = nil, session: SecretString? = nil) -> Authorize {
        Authorize(
            customerId: customer, instanceUrl: instance, clientId: endpoint["client_id"]!,
            clientSecret: SecretString(endpoint["client_secret"]!), redirectUrl: redirectUrl, session: session)
    }

    /// Enters a redirect URL at the OAuth endpoint, as an administrator of the instance does.
    func knows(_ redirectUrl: String) async throws {
        try await ask("PATCH", "/instances/dev1/oauth_clients/\(endpoint["client_id"]!)", ["redirect_url": redirectUrl])
    }
}

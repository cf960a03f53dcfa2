import Foundation
import Testing

@testable import ItsmAdapter

/// Where alerts come from, and what becomes of them.
@Suite(.serialized) struct SourceTests {
    @Test func aPolicyIsSetAskedAndRemoved() async throws {
        let world = try await World()
        let client = try await world.client()
        _ = try await client.accounts.add(world.addAccount)
        let document = #"{"rules": [{"name": "quiet", "when": {"source": "monitor"}, "then": {"action": "ignore"}}]}"#
        #expect(try await client.policies.set(world.customer, document).document == document)
        let instant = Date(timeIntervalSince1970: 1_700_000_000)
        let decision = try await client.policies.explain(world.alert("1"), at: instant)
        #expect(decision.action == .ignore && decision.rule == "quiet")
        #expect(try await client.policies.explain(world.alert("1"), document: #"{"rules": []}"#).action == .incident)
        #expect(try await client.policies.get(world.customer).document == document)
        try await client.policies.remove(world.customer)
        #expect(await failure { try await client.policies.get(world.customer) }?.kind == .notFound)
        #expect(await failure { try await client.policies.set(world.customer, "{") }?.kind == .invalidInput)
    }

    @Test func webhooksAreMadeListedAndRemoved() async throws {
        let world = try await World()
        let client = try await world.client()
        _ = try await client.accounts.add(world.addAccount)
        let made = try await client.webhooks.create(
            CreateWebhook(customerId: world.customer, url: "https://example.org/citrix", authorization: "shared"))
        #expect(try await client.webhooks.list(world.customer).contains(made))
        try await client.webhooks.remove(world.customer, made.id)
        #expect(try await client.webhooks.list(world.customer).contains(made) == false)
    }

    @Test func aSourceIsLookedAt() async throws {
        let world = try await World()
        let client = try await world.client()
        _ = try await client.accounts.add(world.addAccount)
        for title in ["one", "two"] {
            try await world.ask("POST", "/accounts/\(world.customer)/notifications", ["title": title])
        }
        let report = try await client.sources.poll(world.customer, .citrixCloud, since: Date(timeIntervalSince1970: 0))
        #expect(report.looked && report.source == .citrixCloud && report.accepted == 2, "\(report)")
        #expect(try await client.alerts.lag(customerId: world.customer).pending == report.accepted)
        let again = try await client.sources.poll(world.customer, .citrixCloud)
        #expect(again.accepted == 0, "\(again)")
    }

    @Test func aBodyOfTheSendersOwnFormBecomesAnAlert() async throws {
        let world = try await World()
        let client = try await world.client()
        _ = try await client.accounts.add(world.addAccount)
        let mapping = #"{"source": "probe", "id": ["/key"], "title": ["/text"]}"#
        let body = Data(#"{"key": "k1", "text": "Disk full"}"#.utf8)
        let taken = try await client.alerts.submitMapped(
            world.customer, body, mapping: mapping, authorization: "shared", expected: "shared")
        #expect(taken?.alert.id == "k1" && taken?.alert.title == "Disk full")
        let refused = await failure {
            try await client.alerts.submitMapped(world.customer, body, mapping: mapping, authorization: "no", expected: "shared")
        }
        #expect(refused?.kind == .forbidden)
    }
}

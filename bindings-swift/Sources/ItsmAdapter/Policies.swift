import Foundation

/// What becomes of the alerts of an account. A policy is a JSON document; without one, all alerts become incidents.
public struct Policies: Sendable {
    let native: NativeClient

    /// Sets the policy of an account, in place of the one it had. All of the document is checked before it is stored,
    /// its templates and time zones included.
    ///
    /// - Throws: `.invalidInput`, with the place of the mistake; `.notFound` when the account was not added.
    public func set(_ customerId: String, _ document: String) async throws -> AccountPolicy {
        try await crossing { try await native.policiesSet(customerId, document, $0) }
    }

    /// The policy of an account.
    ///
    /// - Throws: `.notFound` when it has none.
    public func get(_ customerId: String) async throws -> AccountPolicy {
        try await crossing { try await native.policiesGet(customerId, $0) }
    }

    /// Removes the policy of an account: from then on all its alerts become incidents.
    ///
    /// - Throws: `.notFound` when it has none.
    public func remove(_ customerId: String) async throws {
        try await crossing { try await native.policiesRemove(customerId, $0) }
    }

    /// Says what would be done with an alert at an instant (now), and why, rule by rule; does nothing. With a
    /// `document`, that policy is asked instead of the account's: to try it before it is set.
    ///
    /// - Throws: `.invalidInput` for a document that cannot be used.
    public func explain(_ alert: Alert, at instant: Date? = nil, document: String? = nil) async throws -> PolicyDecision {
        try await crossing { try await native.policiesExplain(alert, instant, document, $0) }
    }
}

/// Sources that alerts are fetched from.
public struct Sources: Sendable {
    let native: NativeClient

    /// Looks once for news of a source and submits what is new; call it on a schedule of your own, a minute apart or
    /// more. Nothing is lost when it is ended half-way, and what it reads twice is one alert. `since` says where to
    /// begin when the source was never looked at (a day back). Do not take the notifications of Citrix Cloud both here
    /// and by a webhook: they could become two alerts.
    ///
    /// - Throws: `.notFound` when the account was not added, and what Citrix Cloud fails with. What was submitted
    ///   until then stays, and the next look goes on from there.
    public func poll(_ customerId: String, _ source: AlertSource, since: Date? = nil) async throws -> SweepReport {
        try await crossing { try await native.sourcesPoll(customerId, source, since, $0) }
    }
}

/// Webhook subscriptions at Citrix Cloud.
public struct Webhooks: Sendable {
    let native: NativeClient

    /// Subscribes to events of the account: Citrix Cloud will send them to the URL. Give each callback, with the
    /// authorization that you chose, to ``Alerts/submitWebhook(_:authorization:expected:customerId:)``.
    ///
    /// - Throws: `.notFound` when the account was not added; `.outcomeUnknown` when it may have been made and cannot be
    ///   found.
    public func create(_ request: CreateWebhook) async throws -> Webhook {
        try await crossing { try await native.webhooksCreate(request, $0) }
    }

    /// All webhook subscriptions of the account, whoever made them. What callbacks carry as authorization is not told.
    ///
    /// - Throws: `.notFound` when the account was not added.
    public func list(_ customerId: String) async throws -> [Webhook] {
        try await crossing { try await native.webhooksList(customerId, $0) }
    }

    /// Ends a subscription. One that is gone already is no failure.
    ///
    /// - Throws: `.notFound` when the account was not added.
    public func remove(_ customerId: String, _ webhookId: String) async throws {
        try await crossing { try await native.webhooksRemove(customerId, webhookId, $0) }
    }
}

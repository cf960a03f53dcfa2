import Foundation

extension Alert {
    /// An alert that is raised: new, or told again.
    public init(
        customerId: String, source: String, id: String, title: String, description: String = "", severity: Severity,
        priority: String? = nil, category: String? = nil, policy: String? = nil, target: String? = nil,
        component: String? = nil, raisedAt: Date? = nil, fields: [String: String] = [:]
    ) {
        self.init(
            customerId: customerId, source: source, id: id, title: title, description: description, severity: severity,
            state: .raised, priority: priority, category: category, policy: policy, target: target, component: component,
            raisedAt: raisedAt, fields: fields)
    }
}

/// Alerts and their deliveries.
public struct Alerts: Sendable {
    let native: NativeClient

    /// Takes an alert. When this returns, the alert is stored durably and cannot be lost. The same alert again
    /// (account, source, id) is the same delivery.
    ///
    /// - Throws: `.notFound` when the account was not added.
    public func submit(_ alert: Alert) async throws -> Delivery {
        try await crossing { try await native.alertsSubmit(alert, $0) }
    }

    /// Takes many alerts and answers in their order; all share few disk flushes. When one of them is refused, the
    /// others are taken all the same: submitting all of them again is allowed, and adds nothing.
    ///
    /// - Throws: the error of the first alert that was refused, with `index` in its context.
    public func submitMany(_ alerts: [Alert]) async throws -> [Delivery] {
        try await crossing { try await native.alertsSubmitMany(alerts, $0) }
    }

    /// Takes the body of a Citrix Cloud webhook callback. Nil when it tells of something else than a new notification.
    /// `authorization` is the value of that header of the callback, `expected` the value given as `authHeaders` when
    /// the webhook was made; with `expected` they must be equal. `customerId` is the account that the webhook was made
    /// for: with it, a body that names another account is refused; without it, the body is believed.
    ///
    /// - Throws: `.forbidden` when the authorization differs, or the body names another account; `.invalidInput` when
    ///   the body is not a callback; `.notFound` when its account was not added.
    public func submitWebhook(
        _ body: Data, authorization: String? = nil, expected: SecretString? = nil, customerId: String? = nil
    ) async throws -> Delivery? {
        try await crossing { try await native.alertsSubmitWebhook(body, authorization, expected, customerId, $0) }
    }

    /// Takes the body of a webhook whose form is the sender's own, such as that of a Monitor alert policy. `mapping` is
    /// a JSON document that says where things are; without one, the body has the columns of the connector's table
    /// *Citrix Alert*. Nil when it tells of the end of an alert that nobody knows. `authorization` and `expected` as
    /// with ``submitWebhook(_:authorization:expected:customerId:)``.
    ///
    /// - Throws: `.forbidden` when the authorization differs; `.invalidInput` when mapping or body cannot be used;
    ///   `.notFound` when the account was not added.
    public func submitMapped(
        _ customerId: String, _ body: Data, mapping: String? = nil, authorization: String? = nil,
        expected: SecretString? = nil
    ) async throws -> Delivery? {
        try await crossing { try await native.alertsSubmitMapped(customerId, body, mapping, authorization, expected, $0) }
    }

    /// Starts a worker, which delivers what was submitted, by this process or another one, until it is stopped, or the
    /// client is closed. Any number of workers may share one store; each instance has a lane of its own, so that one
    /// that is slow or down delays no other.
    ///
    /// - Throws: `.invalidInput` for options out of bounds.
    public func run(_ options: RunOptions = RunOptions()) async throws -> Worker {
        Worker(native: try await crossing { try await native.alertsRun(options, $0) })
    }

    /// Delivers what was submitted until nothing waits any more for the accounts that are registered, and tells how
    /// many deliveries stand where. Cancelled, it leaves the rest for the next one.
    ///
    /// - Throws: `.invalidInput` for options out of bounds.
    public func drain(_ options: RunOptions = RunOptions()) async throws -> DeliveryLag {
        try await crossing { try await native.alertsDrain(options, $0) }
    }

    /// How many deliveries stand where, of one account or of all. As cheap with a million as with one.
    public func lag(customerId: String? = nil) async throws -> DeliveryLag {
        try await crossing { try await native.alertsLag(customerId, $0) }
    }

    /// Takes a dead letter back into the outbox, with a full budget of attempts. Anything else stays as it is. The
    /// dead letters are listed with the status `.dead`.
    ///
    /// - Throws: `.notFound`.
    public func replay(_ deliveryId: String) async throws -> Delivery {
        try await crossing { try await native.alertsReplay(deliveryId, $0) }
    }

    /// Delivers one alert now and gives it back with its incident. An outcome that is unknown is found out before
    /// anything is repeated. Delivering twice, or from two processes, makes one incident.
    ///
    /// - Throws: `.notFound`; `.illegalState` when the account is not registered; `.outcomeUnknown` when the instance
    ///   cannot be asked. The delivery stays and can be delivered again.
    public func deliver(_ deliveryId: String) async throws -> Delivery {
        try await crossing { try await native.alertsDeliver(deliveryId, $0) }
    }

    /// One delivery.
    public func get(_ deliveryId: String) async throws -> Delivery {
        try await crossing { try await native.alertsGet(deliveryId, $0) }
    }

    /// Deliveries in the order in which they were accepted, of one account or of all, in one of these statuses (empty:
    /// any). `after` is the `next` of the page before, `limit` 1 to 1000 (100).
    public func list(
        customerId: String? = nil, statuses: [DeliveryStatus] = [], after: String? = nil, limit: UInt32? = nil
    ) async throws -> DeliveryPage {
        try await crossing { try await native.alertsList(customerId, statuses, after, limit, $0) }
    }

    /// Deliveries as ``list(customerId:statuses:after:limit:)`` gives them, one by one, `limit` of them per page.
    public func iterate(
        customerId: String? = nil, statuses: [DeliveryStatus] = [], limit: UInt32? = nil
    ) -> Items<Delivery> {
        Items { try await list(customerId: customerId, statuses: statuses, after: $0, limit: limit) }
    }
}

/// A worker at work; all copies are one. It works until it is stopped, or its client is closed, whoever holds it.
public struct Worker: Sendable {
    let native: NativeWorker

    /// Takes nothing more, finishes what is in hand, and returns when that is done: at most the time of one call
    /// (`totalTimeoutMs`). What could not be finished waits for the next worker. Stopping twice is allowed. In a task
    /// that is cancelled, also before, it stops all the same: only the waiting ends.
    ///
    /// - Throws: `.internal` when the worker ended in a panic.
    public func stop() async throws { try await crossing { try await native.stop($0) } }

    /// Returns when the worker has ended: after ``stop()``, or when the client was closed.
    ///
    /// - Throws: as ``stop()``.
    public func ended() async throws { try await crossing { try await native.ended($0) } }
}

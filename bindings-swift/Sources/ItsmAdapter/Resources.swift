import Foundation

/// Operations on Citrix Cloud accounts.
public struct Accounts: Sendable {
    let native: NativeClient

    /// Adds an account, after its secure client got a token from Citrix Cloud. Nothing is saved when it did not.
    ///
    /// - Throws: `.illegalState` when the account is there already, `.unauthorized` when Citrix Cloud refuses.
    public func add(_ request: AddAccount) async throws -> Account {
        try await crossing { try await native.accountsAdd(request, $0) }
    }

    /// Changes an account. New credentials are tried before they replace the old ones.
    ///
    /// - Throws: as ``add(_:)``; `.notFound` when there is no such account; `.illegalState` for new credentials of a
    ///   disabled one.
    public func update(_ request: UpdateAccount) async throws -> Account {
        try await crossing { try await native.accountsUpdate(request, $0) }
    }

    /// One account.
    ///
    /// - Throws: `.notFound`, `.invalidInput`, `.store`.
    public func get(_ customerId: String) async throws -> Account {
        try await crossing { try await native.accountsGet(customerId, $0) }
    }

    /// Accounts in the order of their ids; `after` is the `next` of the page before, `limit` 1 to 1000 (100).
    public func list(after: String? = nil, limit: UInt32? = nil) async throws -> AccountPage {
        try await crossing { try await native.accountsList(after, limit, $0) }
    }

    /// All accounts, one by one, `limit` of them per page.
    public func iterate(limit: UInt32? = nil) -> Items<Account> {
        Items { try await list(after: $0, limit: limit) }
    }

    /// Tries the stored secure client and asks for the entitlement; saves nothing. What goes wrong at Citrix Cloud
    /// stands in the report.
    public func test(_ customerId: String) async throws -> TestReport {
        try await crossing { try await native.accountsTest(customerId, $0) }
    }

    /// Asks Citrix Cloud what the account is entitled to, and remembers the answer. Wakes a frozen site, which can
    /// take minutes; progress is told to observers.
    public func entitlement(_ customerId: String) async throws -> Entitlement {
        try await crossing { try await native.accountsEntitlement(customerId, $0) }
    }

    /// Stops everything that is sent for an account, to Citrix Cloud and to instances, until it is enabled again: calls
    /// and tests are refused, deliveries wait. What is stored stays, alerts are still taken, and unregistering,
    /// disconnecting and revoking go on working. Counts in this client at once, in other processes within five seconds.
    ///
    /// - Throws: `.notFound`, `.invalidInput`, `.store`, `.sealed`.
    public func disable(_ customerId: String) async throws -> Account {
        try await crossing { try await native.accountsDisable(customerId, $0) }
    }

    /// Lets an account that was disabled work again, with the credentials and registrations it had.
    ///
    /// - Throws: as `disable`.
    public func enable(_ customerId: String) async throws -> Account {
        try await crossing { try await native.accountsEnable(customerId, $0) }
    }

    /// Removes an account that has no connection left, with its secure client.
    ///
    /// - Throws: `.notFound`; `.illegalState` while it has connections.
    public func remove(_ customerId: String) async throws {
        try await crossing { try await native.accountsRemove(customerId, $0) }
    }
}

/// Operations on ServiceNow instances.
public struct Instances: Sendable {
    let native: NativeClient

    /// One instance, by its address.
    ///
    /// - Throws: `.notFound` when no connection was ever made with it.
    public func get(_ instanceUrl: String) async throws -> Instance {
        try await crossing { try await native.instancesGet(instanceUrl, $0) }
    }

    /// Instances in the order of their ids; `after` is the `next` of the page before, `limit` 1 to 1000 (100).
    public func list(after: String? = nil, limit: UInt32? = nil) async throws -> InstancePage {
        try await crossing { try await native.instancesList(after, limit, $0) }
    }

    /// All instances, one by one, `limit` of them per page.
    public func iterate(limit: UInt32? = nil) -> Items<Instance> {
        Items { try await list(after: $0, limit: limit) }
    }
}

/// Operations on connections.
public struct Connections: Sendable {
    let native: NativeClient

    /// Connects an account with an instance: tries the account's secure client, applies the Manage rule, saves.
    /// Connecting again tests again.
    ///
    /// - Throws: `.notFound` when the account was not added, `.notEntitled` with what was found, `.unauthorized`,
    ///   `.prerequisiteMissing` when the instance's connector is too old for another account.
    public func connect(_ request: Connect) async throws -> Connection {
        try await crossing { try await native.connectionsConnect(request, $0) }
    }

    /// Does all that ``connect(_:)`` does, but saves nothing. What goes wrong at Citrix Cloud stands in the report.
    public func test(_ request: Connect) async throws -> TestReport {
        try await crossing { try await native.connectionsTest(request, $0) }
    }

    /// One connection.
    public func get(_ customerId: String, _ instanceUrl: String) async throws -> Connection {
        try await crossing { try await native.connectionsGet(customerId, instanceUrl, $0) }
    }

    /// The Manage list: connections in the order of account and instance, of one account or of all. `after` is the
    /// `next` of the page before, `limit` 1 to 1000 (100).
    public func list(customerId: String? = nil, after: String? = nil, limit: UInt32? = nil) async throws -> ConnectionPage {
        try await crossing { try await native.connectionsList(customerId, after, limit, $0) }
    }

    /// All connections, of one account or of all, one by one, `limit` of them per page.
    public func iterate(customerId: String? = nil, limit: UInt32? = nil) -> Items<Connection> {
        Items { try await list(customerId: customerId, after: $0, limit: limit) }
    }

    /// Removes a connection: revokes its tokens, if it has any, and forgets it. The account stays. A failed revocation
    /// is not an error: it stands in the answer.
    public func disconnect(_ customerId: String, _ instanceUrl: String) async throws -> Revocation {
        try await crossing { try await native.connectionsDisconnect(customerId, instanceUrl, $0) }
    }
}

/// The event log.
public struct Events: Sendable {
    let native: NativeClient

    /// Events oldest first, of one account or of all. `after` is the `next` of the page before, `limit` 1 to 1000
    /// (100).
    public func list(customerId: String? = nil, after: String? = nil, limit: UInt32? = nil) async throws -> EventPage {
        try await crossing { try await native.eventsList(customerId, after, limit, $0) }
    }

    /// All events, of one account or of all, one by one, `limit` of them per page.
    public func iterate(customerId: String? = nil, limit: UInt32? = nil) -> Items<Event> {
        Items { try await list(customerId: customerId, after: $0, limit: limit) }
    }
}

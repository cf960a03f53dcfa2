/// The adapter. Open one, keep it, use it from any task; all copies are one client, over one store.
public struct Client: Sendable {
    let native: NativeClient

    /// Opens a client; nothing is sent to anybody. What the options leave out comes from the environment.
    ///
    /// - Throws: `.invalidInput` for settings that make no sense, `.store` when the store cannot be opened, `.sealed`
    ///   when the key is missing or not readable.
    public static func open(_ options: ClientOptions = ClientOptions()) async throws -> Client {
        Client(native: try await crossing { try await NativeClient.open(options, $0) })
    }

    /// Citrix Cloud accounts.
    public var accounts: Accounts { Accounts(native: native) }
    /// ServiceNow instances as the adapter knows them.
    public var instances: Instances { Instances(native: native) }
    /// Connections of accounts with instances: the Manage list.
    public var connections: Connections { Connections(native: native) }
    /// Registrations: the OAuth side of a connection.
    public var registrations: Registrations { Registrations(native: native) }
    /// Alerts on their way to incidents.
    public var alerts: Alerts { Alerts(native: native) }
    /// What becomes of the alerts of an account.
    public var policies: Policies { Policies(native: native) }
    /// Sources that alerts are fetched from.
    public var sources: Sources { Sources(native: native) }
    /// Webhook subscriptions at Citrix Cloud.
    public var webhooks: Webhooks { Webhooks(native: native) }
    /// Records of the instance that an account is registered with (Table API).
    public var records: Records { Records(native: native) }
    /// The event log.
    public var events: Events { Events(native: native) }

    /// Closes the client: calls under way end with `.cancelled`, later ones with `.illegalState`. What was committed
    /// stays.
    public func close() { native.close() }

    /// True after ``close()``.
    public var isClosed: Bool { native.isClosed() }

    /// Tells this observer every event from now on; the number takes it off again.
    @discardableResult
    public func observe(_ observer: any Observer) -> UInt64 { native.observe(observer) }

    /// Takes an observer off.
    public func unobserve(_ id: UInt64) { native.unobserve(id) }

    /// Events from now on: `for await event in client.subscribe()`.
    public func subscribe() -> Subscription { Subscription(native: native.subscribe()) }

    /// Seals everything with a new key: with this one, or with one that is made and kept in the key file.
    /// Interrupted, it goes on when called again.
    ///
    /// - Throws: `.sealed` when a row cannot be opened with any key at hand, `.invalidInput` when the key comes from
    ///   the caller and no new one is given, `.store`.
    @discardableResult
    public func rotateKey(_ newKey: SecretString? = nil) async throws -> RotationReport {
        try await crossing { try await native.rotateKey(newKey, $0) }
    }

    /// Sends the adapter's log lines, down to this level, to a sink; a later call replaces the earlier one, for the
    /// whole process. False when they go elsewhere already.
    @discardableResult
    public static func forwardLogs(_ level: LogLevel, to sink: any LogSink) -> Bool {
        nativeForwardLogs(level, sink)
    }

    /// Addresses from which the adapter of Citrix Cloud calls an instance, to be allowed there. Empty where Citrix
    /// publishes none.
    public static func egressRanges(_ environment: Environment) -> [String] {
        nativeEgressRanges(environment)
    }
}

/// Operations on registrations.
public struct Registrations: Sendable {
    let native: NativeClient

    /// Registers the account with the instance through a service account: password grant, connection test, save. A
    /// connection is made first when there is none. On a registration that exists it replaces the grant.
    ///
    /// - Throws: `.alreadyRegistered` naming the instance that holds the account, `.unauthorized` when the token
    ///   endpoint refuses, `.forbidden` naming the role or scope, `.prerequisiteMissing`, `.notFound`, `.notEntitled`.
    ///   Nothing has changed then; an earlier grant goes on working.
    public func register(_ request: RegisterServiceAccount) async throws -> Connection {
        try await crossing { try await native.registrationsRegister(request, $0) }
    }

    /// Does all that ``register(_:)`` does with the instance, but saves nothing.
    public func test(_ request: RegisterServiceAccount) async throws -> TestReport {
        try await crossing { try await native.registrationsTest(request, $0) }
    }

    /// Gives a registration new credentials, or the same ones again. What is left out stays as it is.
    ///
    /// - Throws: `.illegalState` without a registration; else as ``register(_:)``.
    public func reauthenticate(_ request: ReauthenticateServiceAccount) async throws -> Connection {
        try await crossing { try await native.registrationsReauthenticate(request, $0) }
    }

    /// Ends a registration: forgets grant and endpoint secret, revokes the tokens, keeps the connection. A failed
    /// revocation is not an error: it stands in the answer, and the adapter tries again at the next check.
    public func unregister(_ customerId: String, _ instanceUrl: String) async throws -> Revocation {
        try await crossing { try await native.registrationsUnregister(customerId, instanceUrl, $0) }
    }

    /// Checks a registration: token fresh, API readable, roles still there. What goes wrong at the instance stands in
    /// the connection: its status, its health, its last test.
    ///
    /// - Throws: `.notFound`, `.illegalState` without a registration.
    public func check(_ customerId: String, _ instanceUrl: String) async throws -> Connection {
        try await crossing { try await native.registrationsCheck(customerId, instanceUrl, $0) }
    }

    /// Checks every registration, of one account or of all, as ``check(_:_:)`` does, and tells the progress by events
    /// of kind `.progress`. What is wrong with one stands in the summary and does not stop the others.
    public func checkAll(_ request: CheckAll = CheckAll()) async throws -> CheckSummary {
        try await crossing { try await native.registrationsCheckAll(request, $0) }
    }

    /// Takes a registration to the new address of its instance, with a service account: tested there, then saved
    /// there and ended here in one commit. The credentials have to be given again: what is stored for one address is
    /// never sent to another.
    ///
    /// - Throws: `.illegalState` when there is no registration at the old address; else as ``register(_:)``.
    public func relocate(from instanceUrl: String, _ request: RegisterServiceAccount) async throws -> Connection {
        try await crossing { try await native.registrationsRelocate(instanceUrl, request, $0) }
    }

    /// Finds out what the instance that the account is registered with does with records, with an incident of the
    /// adapter's own that is cancelled at once: whether look-ups by key can be relied on, and whether a record id that
    /// the adapter chose is honoured. What was learned is kept, and minded by every delivery from then on. With the
    /// option `probe` this is done whenever a registration is saved, and daily by a worker.
    ///
    /// - Throws: `.illegalState` when the account is not registered; what the instance refuses or fails with, with
    ///   `left_open` in its context when something that was made could not be closed.
    public func probe(_ customerId: String) async throws -> ProbeReport {
        try await crossing { try await native.registrationsProbe(customerId, $0) }
    }

    /// Gives a registration the new secret of its OAuth endpoint, without anybody signing in again. Only when the
    /// grant has been renewed with it, the old secret is forgotten.
    ///
    /// - Throws: `.unauthorized` when the token endpoint refuses it; `.illegalState` without a registration. The old
    ///   secret stays then.
    public func updateEndpointSecret(
        _ customerId: String, _ instanceUrl: String, _ clientSecret: SecretString
    ) async throws -> Connection {
        try await crossing { try await native.registrationsUpdateEndpointSecret(customerId, instanceUrl, clientSecret, $0) }
    }

    /// Begins to register through a person's consent in the browser, or to re-authenticate such a registration: send
    /// the browser to the URL of the answer, and give the address that it comes back to to ``complete(_:session:)``,
    /// within ten minutes, in any process that shares the store. Nothing is sent to anybody.
    ///
    /// - Throws: `.invalidInput` for what is missing or not allowed, also for a redirect URL that another registration
    ///   uses; `.notFound` without the account; `.alreadyRegistered` naming the instance that holds it.
    public func authorize(_ request: Authorize) async throws -> Authorization {
        try await crossing { try await native.registrationsAuthorize(request, $0) }
    }

    /// Finishes an authorization with the address that the browser came back to: exchange, connection test, save.
    /// `session` is what ``Authorize/session`` was. The work goes on to its end when the task is cancelled.
    ///
    /// - Throws: `.consentDenied`; `.flowExpired` for a callback that is too late, repeated, forged, or from another
    ///   browser session (context `reason`); `.illegalState` when another person signed in than the last time;
    ///   `.unauthorized` when the token endpoint refuses the code; else as ``register(_:)``. An earlier grant goes on
    ///   working then.
    public func complete(_ callbackUrl: String, session: SecretString? = nil) async throws -> Authorized {
        try await crossing { try await native.registrationsComplete(callbackUrl, session, $0) }
    }

    /// Gives an authorization up: a later callback of it is refused. Without effect when it has ended.
    ///
    /// - Throws: `.notFound` for a flow that nobody began.
    public func abandon(_ flowId: String) async throws {
        try await crossing { try await native.registrationsAbandon(flowId, $0) }
    }

    /// Registers through a person's consent on this machine: opens the system's browser, listens on loopback for its
    /// return, shows it a page that says what happened, and ends. `timeoutMs` is how long the person may take
    /// (600,000, and no more). Cancel the task to give it up.
    ///
    /// - Throws: as ``authorize(_:)`` and ``complete(_:session:)``; `.timeout` when nobody came back; `.unavailable`
    ///   when the port is taken or there is no browser: use ``listen(_:)`` then, and open the address by hand.
    public func authorizeInBrowser(_ request: Authorize, timeoutMs: UInt32? = nil) async throws -> Authorized {
        try await crossing { try await native.registrationsAuthorizeInBrowser(request, timeoutMs, $0) }
    }

    /// Begins as ``authorize(_:)`` does, with a listener on loopback in this process: open the address in any browser
    /// of this machine, and wait with ``waitFor(_:timeoutMs:)``.
    ///
    /// - Throws: as ``authorize(_:)``; `.unavailable` when the port of the redirect URL is taken.
    public func listen(_ request: Authorize) async throws -> Authorization {
        try await crossing { try await native.registrationsListen(request, $0) }
    }

    /// Waits for what a listener hears; `timeoutMs` is how long (as long as the flow lives). When that is over, or the
    /// task is cancelled, the listener ends and the flow is given up; a callback that came before is finished. In a task
    /// that was cancelled before, nothing happens: listener and flow stay, and ``abandon(_:)`` ends them.
    ///
    /// - Throws: as ``complete(_:session:)``; `.timeout` when nobody came back; `.notFound` when no listener of this
    ///   client belongs to the flow.
    public func waitFor(_ flowId: String, timeoutMs: UInt32? = nil) async throws -> Authorized {
        try await crossing { try await native.registrationsWaitFor(flowId, timeoutMs, $0) }
    }
}

/// Without the state value, which the address holds. Its fields have it all.
extension Authorization: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "Authorization \(flowId) of \(customerId) at \(instanceId), until \(expiresAt)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror {
        Mirror(
            self,
            children: [
                "flowId": flowId, "customerId": customerId, "instanceId": instanceId, "authorizationUrl": "[redacted]",
                "redirectUrl": redirectUrl, "expiresAt": expiresAt,
            ])
    }
}

//! The operations of both clients: each converts, calls, converts.
#![allow(clippy::too_many_arguments, clippy::doc_markdown, reason = "keyword arguments and docstrings of Python")]
#![allow(clippy::unnecessary_wraps, reason = "what ends a `with` block gives the same for all classes")]
#![allow(unused_braces, reason = "the body of an operation is one expression of the macro")]

use std::{collections::HashMap, sync::Arc};

use itsm_adapter::{
    Account, AccountPage, AccountPolicy, AddAccount, Alert, AlertSource, AlertState, Authorization, Authorize,
    Authorized, CheckAll, CheckSummary, ClientOptions, Connect, Connection, ConnectionPage, CreateWebhook, Delivery,
    DeliveryLag, DeliveryPage, DeliveryStatus, Entitlement, Environment, Event, EventPage, Instance, InstancePage,
    PolicyDecision, ProbeReport, ReauthenticateServiceAccount, RegisterServiceAccount, Revocation, RotationReport,
    RunOptions, Secret, Severity, SweepReport, TestReport, UpdateAccount, Webhook,
};
use pyo3::{prelude::*, pybacked::PyBackedBytes, types::PyDict};

use crate::{
    convert::{
        AsyncWalk, Conditions, Coroutine, Document, InsertedOut, Instant, Names, Nothing, Place, Plain, RecordIn,
        RecordOut, RecordPage, RecordsIn, RecordsOut, Sequence, Walk, Word, conditions, list, names,
    },
    event::{AsyncSubscription, Callback, Subscription},
    feed::{AsyncRecordPages, Feed, RecordPages, Walked},
    fields::{AlertIn, ServerIn},
    opened::{Here, Opened},
    resource::{Now, first, last, resource, walk},
    runtime::{coroutine, wait},
    worker::{AsyncWorker, Worker},
};

resource! {
    /// Citrix Cloud accounts.
    Accounts, AsyncAccounts over Arc<Opened>;

    takes AddAccount(
        customer_id: String; environment: Word<Environment>, client_id: String, client_secret: Secret,
        name: Option<String> = None
    ) {
        /// Adds an account, after its secure client got a token from Citrix Cloud. Nothing is saved when it did not.
        ///
        /// Raises InvalidInputError; IllegalStateError when the account is there already; UnauthorizedError when Citrix
        /// Cloud refuses the secure client; ThrottledError, UnavailableError, TimeoutError, ProtocolError, StoreError.
        fn add(&core, request) -> Account { core.accounts().add(request).await }
    }

    takes UpdateAccount(
        customer_id: String; client_id: Option<String> = None, client_secret: Option<Secret> = None,
        name: Option<String> = None
    ) {
        /// Changes an account; what is left out stays as it is. New credentials are tried before they replace the old
        /// ones.
        ///
        /// Raises what `add` raises, and NotFoundError; IllegalStateError for new credentials of a disabled account.
        fn update(&core, request) -> Account { core.accounts().update(request).await }
    }

    /// One account.
    ///
    /// Raises NotFoundError, InvalidInputError, StoreError.
    fn get(&core, customer_id: String) -> Account { core.accounts().get(&customer_id).await }

    /// A page of accounts in the order of their ids; `after` is the `next` of the page before, `limit` 1 to 1000 (100).
    ///
    /// Raises InvalidInputError, StoreError.
    fn list(&core; after: Option<String> = None, limit: Option<u32> = None) -> AccountPage {
        core.accounts().list(after.as_deref(), limit).await
    }

    /// Tries the stored secure client and asks for the entitlement; saves nothing. What goes wrong at Citrix Cloud
    /// stands in the report.
    ///
    /// Raises NotFoundError, InvalidInputError, StoreError, SealedError.
    fn test(&core, customer_id: String) -> TestReport { core.accounts().test(&customer_id).await }

    /// Asks Citrix Cloud what the account is entitled to, and remembers the answer. Wakes a frozen site, which can
    /// take minutes; progress is told to observers.
    ///
    /// Raises NotFoundError, UnauthorizedError, ForbiddenError, ThrottledError, UnavailableError, TimeoutError,
    /// ProtocolError, StoreError.
    fn entitlement(&core, customer_id: String) -> Entitlement { core.accounts().entitlement(&customer_id).await }

    /// Stops everything that is sent for an account, to Citrix Cloud and to instances, until it is enabled again: calls
    /// and tests are refused, deliveries wait. What is stored stays, alerts are still taken, and unregistering,
    /// disconnecting and revoking go on working. Counts in this client at once, in other processes within five seconds.
    ///
    /// Raises NotFoundError, InvalidInputError, StoreError, SealedError.
    fn disable(&core, customer_id: String) -> Account { core.accounts().disable(&customer_id).await }

    /// Lets an account that was disabled work again, with the credentials and registrations it had.
    ///
    /// Raises what `disable` raises.
    fn enable(&core, customer_id: String) -> Account { core.accounts().enable(&customer_id).await }

    /// Removes an account that has no connection left, with its secure client.
    ///
    /// Raises NotFoundError; IllegalStateError while it has connections; StoreError.
    fn remove(&core, customer_id: String) -> Nothing { core.accounts().remove(&customer_id).await.map(Nothing) }

    walk {
        /// Walks over all accounts, `limit` of them per page.
        fn iterate(; limit: Option<u32> = None) -> Account = list;
    }
}

resource! {
    /// ServiceNow instances as the adapter knows them.
    Instances, AsyncInstances over Arc<Opened>;

    /// One instance, by its address.
    ///
    /// Raises NotFoundError when no connection was ever made with it, InvalidInputError, StoreError.
    fn get(&core, instance_url: String) -> Instance { core.instances().get(&instance_url).await }

    /// A page of instances in the order of their ids; `after` is the `next` of the page before, `limit` 1 to 1000
    /// (100).
    ///
    /// Raises InvalidInputError, StoreError.
    fn list(&core; after: Option<String> = None, limit: Option<u32> = None) -> InstancePage {
        core.instances().list(after.as_deref(), limit).await
    }

    walk {
        /// Walks over all instances, `limit` of them per page.
        fn iterate(; limit: Option<u32> = None) -> Instance = list;
    }
}

resource! {
    /// Connections of accounts with instances: the Manage list.
    Connections, AsyncConnections over Arc<Opened>;

    takes Connect(customer_id: String, instance_url: String; instance_name: Option<String> = None) {
        /// Connects an account with an instance: tries the account's secure client, applies the Manage rule, saves.
        /// Connecting again tests again, and notes the secure client that was tested.
        ///
        /// Raises NotFoundError when the account was not added, NotEntitledError with what was found,
        /// UnauthorizedError, PrerequisiteMissingError when the instance's connector is known to be too old for another
        /// account, InvalidInputError, ThrottledError, UnavailableError, TimeoutError, ProtocolError, StoreError.
        fn connect(&core, request) -> Connection { core.connections().connect(request).await }

        /// Does all that `connect` does, but saves nothing. What goes wrong at Citrix Cloud stands in the report.
        ///
        /// Raises NotFoundError, InvalidInputError, PrerequisiteMissingError as `connect`, SealedError, StoreError.
        fn test(&core, request) -> TestReport { core.connections().test(request).await }
    }

    /// One connection.
    ///
    /// Raises NotFoundError, InvalidInputError, StoreError.
    fn get(&core, customer_id: String, instance_url: String) -> Connection {
        core.connections().get(&customer_id, &instance_url).await
    }

    /// A page of the Manage list: connections in the order of account and instance, of one account or of all.
    /// `after` is the `next` of the page before, `limit` 1 to 1000 (100).
    ///
    /// Raises InvalidInputError, StoreError.
    fn list(
        &core; customer_id: Option<String> = None, after: Option<String> = None, limit: Option<u32> = None
    ) -> ConnectionPage {
        core.connections().list(customer_id.as_deref(), after.as_deref(), limit).await
    }

    /// Removes a connection: revokes its tokens, if it has any, and forgets it. The account stays. A failed
    /// revocation is not an error: it stands in the answer.
    ///
    /// Raises NotFoundError, InvalidInputError, StoreError.
    fn disconnect(&core, customer_id: String, instance_url: String) -> Revocation {
        core.connections().disconnect(&customer_id, &instance_url).await
    }

    walk {
        /// Walks over the Manage list, of one account or of all, `limit` connections per page.
        fn iterate(; customer_id: Option<String> = None, limit: Option<u32> = None) -> Connection = list;
    }
}

resource! {
    /// Registrations: the OAuth side of a connection.
    Registrations, AsyncRegistrations over Arc<Opened>;

    takes RegisterServiceAccount(
        customer_id: String, instance_url: String; client_id: String, client_secret: Secret, user_name: String,
        password: Secret, instance_name: Option<String> = None
    ) {
        /// Registers the account with the instance through a service account: password grant, connection test, save.
        /// A connection is made first when there is none. On a registration that exists it replaces the grant.
        ///
        /// Raises AlreadyRegisteredError naming the instance that holds the account; UnauthorizedError when the token
        /// endpoint refuses (it does not say what is wrong); ForbiddenError naming the role or scope;
        /// PrerequisiteMissingError; NotFoundError, NotEntitledError, InvalidInputError, ThrottledError,
        /// UnavailableError, TimeoutError, ProtocolError, StoreError. Nothing has changed then; an earlier grant goes
        /// on working.
        fn register(&core, request) -> Connection { core.registrations().register(request).await }

        /// Does all that `register` does with the instance, but saves nothing. What the checks find stands in the
        /// report.
        ///
        /// Raises InvalidInputError, NotFoundError, and everything that the token endpoint refuses or fails with.
        fn test(&core, request) -> TestReport { core.registrations().test(request).await }

        /// Moves a registration to the new address of its instance, with a service account there. It ends at
        /// `from_instance_url` in the same step that saves it at `instance_url`; until then the old one goes on
        /// working.
        ///
        /// Raises what `register` raises; IllegalStateError without a registration at the old address;
        /// InvalidInputError when both are the same.
        fn relocate(&core, request; from_instance_url: String) -> Connection {
            core.registrations().relocate(&from_instance_url, request).await
        }
    }

    takes ReauthenticateServiceAccount(
        customer_id: String, instance_url: String; client_id: Option<String> = None,
        client_secret: Option<Secret> = None, user_name: Option<String> = None, password: Option<Secret> = None
    ) {
        /// Gives a registration new credentials, or the same ones again. What is left out stays as it is.
        ///
        /// Raises IllegalStateError without a registration, InvalidInputError when the password of a user account is
        /// missing; else as `register`. The grant in use goes on working then.
        fn reauthenticate(&core, request) -> Connection { core.registrations().reauthenticate(request).await }
    }

    takes Authorize(
        customer_id: String, instance_url: String; client_id: Option<String> = None,
        client_secret: Option<Secret> = None, redirect_url: Option<String> = None, instance_name: Option<String> = None,
        moves_from: Option<String> = None, allow_another_user: bool = false; session: None
    ) {
        /// Begins to register the account through a person's consent in the browser, or to re-authenticate such a
        /// registration: send the person's browser to `authorization_url`, and give the address that it comes back to
        /// to `complete`, within ten minutes, in any process that shares the store. Nothing is sent to anybody.
        ///
        /// - client_id, client_secret: of the OAuth endpoint; left out: those in use.
        /// - redirect_url: as it is entered at that endpoint, used by no other registration; left out: the one in use.
        /// - session: what ties the flow to the browser that began it, such as a random value in a cookie of its own.
        ///   Give the same one to `complete`.
        /// - moves_from: the instance's old address, when a registration moves to a new one; it ends there then.
        /// - allow_another_user: whether another person than the last time may sign in.
        ///
        /// Raises InvalidInputError for what is missing or not allowed, also for a redirect URL that another
        /// registration uses; NotFoundError without the account; AlreadyRegisteredError naming the instance that holds
        /// it; StoreError, SealedError.
        fn authorize(&core, request; session: Option<Secret> = None) -> Authorization {
            core.registrations().authorize(Authorize { session, ..request }).await
        }

        /// Begins an authorization as `authorize` does, with a listener on loopback in this process: open the address
        /// in any browser of this machine, and wait with `wait_for`. The host of `redirect_url` is 127.0.0.1 or [::1];
        /// left out, a free port is taken.
        ///
        /// Raises what `authorize` raises; UnavailableError when the port of the redirect URL is taken.
        fn listen(&core, request) -> Authorization { core.registrations().listen(request).await }

        /// Registers the account through a person's consent, on this machine: opens the system's browser, listens on
        /// loopback for its return, shows it a page that says what happened, and ends. `timeout_ms` is how long the
        /// person may take (600,000, and no more). Cancel the call to give it up.
        ///
        /// Raises what `authorize` and `complete` raise; TimeoutError when nobody came back; UnavailableError when the
        /// port is taken or there is no browser: use `listen` or `authorize` then.
        fn authorize_in_browser(&core, request; timeout_ms: Option<u32> = None) -> Authorized {
            core.registrations().authorize_in_browser(request, timeout_ms).await
        }
    }

    /// Ends a registration: forgets grant and endpoint secret, revokes the tokens, keeps the connection. A failed
    /// revocation is not an error: it stands in the answer, and the adapter tries again at the next check.
    ///
    /// Raises IllegalStateError without a registration, NotFoundError, InvalidInputError, StoreError.
    fn unregister(&core, customer_id: String, instance_url: String) -> Revocation {
        core.registrations().unregister(&customer_id, &instance_url).await
    }

    /// Checks a registration: token fresh, API readable, roles still there. Updates the instance's health and, with
    /// proof only, the status. What goes wrong at the instance stands in the connection.
    ///
    /// Raises NotFoundError, IllegalStateError without a registration, InvalidInputError, StoreError, SealedError.
    fn check(&core, customer_id: String, instance_url: String) -> Connection {
        core.registrations().check(&customer_id, &instance_url).await
    }

    /// Finishes an authorization with the address that the browser came back to: exchange, connection test, save. It
    /// goes on to its end when the caller goes away.
    ///
    /// Raises ConsentDeniedError when the person did not allow it; FlowExpiredError for a callback that is too late,
    /// repeated, forged, or from another session (context `reason`); InvalidInputError for one that is not ours;
    /// IllegalStateError when another person signed in than the last time; UnauthorizedError when the code is refused;
    /// else as `register`. Nothing has changed then; an earlier grant goes on working.
    fn complete(&core, callback_url: String; session: Option<Secret> = None) -> Authorized {
        core.registrations().complete(&callback_url, session.as_ref()).await
    }

    /// Gives an authorization up: a later callback of it is refused. Without effect when it has ended.
    ///
    /// Raises NotFoundError for a flow that nobody began, StoreError.
    fn abandon(&core, flow_id: String) -> Nothing { core.registrations().abandon(&flow_id).await.map(Nothing) }

    /// Waits for what a listener hears, `timeout_ms` at the most (as long as the flow lives). When it is over, or the
    /// call is cancelled, the listener ends and the flow is given up; a callback that came before is finished.
    ///
    /// Raises what `complete` raises; TimeoutError when nobody came back; NotFoundError when no listener of this client
    /// belongs to the flow.
    fn wait_for(&core, flow_id: String; timeout_ms: Option<u32> = None) -> Authorized {
        core.registrations().wait_for(&flow_id, timeout_ms).await
    }

    /// Checks every registration, of one account or of all, as `check` does, `concurrency` of them at the same time
    /// (1 to 256; 16), and tells the progress by events of kind `progress`. What is wrong with one registration stands
    /// in the summary and does not stop the others.
    ///
    /// Raises InvalidInputError, StoreError, SealedError.
    fn check_all(&core; customer_id: Option<String> = None, concurrency: Option<u32> = None) -> CheckSummary {
        core.registrations().check_all(CheckAll { customer_id, concurrency }).await
    }

    /// Gives a registration the new secret of its OAuth endpoint, without anybody signing in again. The old one is
    /// forgotten only when the new one has worked. It also brings a registration back that became `unauthorized`
    /// because the secret had changed.
    ///
    /// Raises UnauthorizedError when the token endpoint refuses it; IllegalStateError without a registration;
    /// InvalidInputError, NotFoundError, ThrottledError, UnavailableError, TimeoutError, ProtocolError, StoreError,
    /// SealedError. The old secret stays then.
    fn update_endpoint_secret(&core, customer_id: String, instance_url: String; client_secret: Secret) -> Connection {
        core.registrations().update_endpoint_secret(&customer_id, &instance_url, &client_secret).await
    }

    /// Finds out what the instance that the account is registered with does with records, with an incident of the
    /// adapter's own that is cancelled at once: whether look-ups by key can be relied on, and whether a record id that
    /// the adapter chose is honoured. What was learned is kept, and minded by every delivery from then on. With the
    /// option `probe` this is done whenever a registration is saved, and daily by a worker.
    ///
    /// Raises NotFoundError; IllegalStateError when the account is not registered; what the instance refuses or fails
    /// with, with `left_open` in its context when something that was made could not be closed; StoreError.
    fn probe(&core, customer_id: String) -> ProbeReport { core.registrations().probe(&customer_id).await }

}

resource! {
    /// Alerts on their way to incidents.
    Alerts, AsyncAlerts over Arc<Opened>;

    takes RunOptions(;
        customer_ids: Option<Sequence<String>> = None, concurrency: Option<u32> = None,
        max_attempts: Option<u32> = None, poll_interval_ms: Option<u32> = None, batch_size: Option<u32> = None;
        give_up_after_ms: None
    ) {
        /// Starts a worker, which delivers what was submitted, by this process or another one, until it is stopped or
        /// the client is closed. Any number of workers may share one store; each instance has a lane of its own. It
        /// works on when nobody holds what this gives.
        ///
        /// - customer_ids: of these accounts only (all that are registered).
        /// - concurrency: deliveries in hand per instance at the most, 1 to 256 (16).
        /// - max_attempts: attempts that reach the instance and make nothing, until a delivery is a dead letter, 1 to
        ///   1000 (10).
        /// - poll_interval_ms: pause between two looks for work of other processes (500).
        /// - batch_size: incidents of one account that are sent as one request at the most, 1 to 100 (1). With more than
        ///   1, `concurrency` counts requests.
        ///
        /// Raises InvalidInputError for an argument out of bounds.
        fn run(&core, options) -> Worker | AsyncWorker { core.alerts().run(options).await.map(Into::into) }

        /// Delivers what was submitted until nothing waits any more for the accounts that are registered, and tells how
        /// many deliveries stand where. The arguments are those of `run`; with `give_up_after_ms` it also ends when an
        /// instance's deliveries have come no further for so long.
        ///
        /// Raises InvalidInputError for an argument out of bounds, StoreError.
        fn drain(&core, options; give_up_after_ms: Option<u32> = None) -> DeliveryLag {
            core.alerts().drain(RunOptions { give_up_after_ms, ..options }).await
        }
    }

    /// Takes an alert. When this returns, the alert is stored durably and cannot be lost. The same alert again
    /// (account, source, id) is the same delivery.
    ///
    /// Raises NotFoundError when the account was not added, InvalidInputError, StoreError.
    fn submit(
        &core; customer_id: String, source: String, id: String, title: String, severity: Word<Severity>,
        description: Option<String> = None, state: Option<Word<AlertState>> = None, priority: Option<String> = None,
        category: Option<String> = None, policy: Option<String> = None, target: Option<String> = None,
        component: Option<String> = None, raised_at: Option<Instant> = None,
        fields: Option<HashMap<String, String>> = None
    ) -> Delivery {
        let (state, fields) = (state.plain().unwrap_or_default(), fields.unwrap_or_default());
        let (description, severity, raised_at) = (description.unwrap_or_default(), severity.0, raised_at.plain());
        core.alerts().submit(Alert {
            customer_id, source, id, title, description, severity, state, priority, category, policy, target, component,
            raised_at, fields,
        }).await
    }

    /// Takes many alerts and answers in their order; all share few disk flushes. Each is an `Alert`, or a dict of the
    /// arguments of `submit`. When one of them is refused, the others are taken all the same: submitting all of them
    /// again is allowed, and adds nothing.
    ///
    /// Raises, for the first alert that was refused and with `index` in the context, what `submit` raises.
    fn submit_many(&core, alerts: Sequence<AlertIn>) -> Sequence<Delivery> {
        core.alerts().submit_many(alerts.plain()).await.map(Sequence)
    }

    /// Takes the body of a Citrix Cloud webhook callback. None when it tells of something else than a new
    /// notification. `authorization` is the value of that header of the callback, `expected` the value given as
    /// `authorization` when the webhook was made (Citrix calls it `authHeaders`); with `expected` they must be equal.
    /// `customer_id` is the account that the webhook was made for: with it, a body that names another account is
    /// refused; without it, the body is believed.
    ///
    /// Raises ForbiddenError when the authorization differs, or the body names another account; InvalidInputError when
    /// the body is not a callback; NotFoundError when its account was not added; StoreError.
    fn submit_webhook(
        &core, body: PyBackedBytes; authorization: Option<String> = None, expected: Option<Secret> = None,
        customer_id: Option<String> = None
    ) -> Option<Delivery> {
        let (authorization, customer_id) = (authorization.as_deref(), customer_id.as_deref());
        core.alerts().submit_webhook(&body, authorization, expected.as_ref(), customer_id).await
    }

    /// Takes the body of a webhook whose form is the sender's own, such as that of a Monitor alert policy, for an
    /// account. `mapping` says where things stand in it (a dict, or JSON text); without one, the body has the columns
    /// of the connector's table *Citrix Alert*. None when it tells of the end of an alert that nobody knows.
    /// `authorization` and `expected` as with `submit_webhook`.
    ///
    /// Raises ForbiddenError when the authorization differs; InvalidInputError when mapping or body cannot be used;
    /// NotFoundError when the account was not added; StoreError.
    fn submit_mapped(
        &core, customer_id: String, body: PyBackedBytes; mapping: Option<Document> = None,
        authorization: Option<String> = None, expected: Option<Secret> = None
    ) -> Option<Delivery> {
        let (mapping, authorization) = (mapping.plain(), authorization.as_deref());
        core.alerts().submit_mapped(&customer_id, &body, mapping.as_deref(), authorization, expected.as_ref()).await
    }

    /// Delivers one alert now and gives it back with its incident. An outcome that is unknown is found out before
    /// anything is repeated, which can take as long as the instance may still be working. Delivering twice, or from
    /// two processes, makes one incident.
    ///
    /// Raises NotFoundError; IllegalStateError when the account is not registered; OutcomeUnknownError when the
    /// instance cannot be asked; what the instance refuses with. The delivery stays and can be delivered again.
    fn deliver(&core, delivery_id: String) -> Delivery { core.alerts().deliver(&delivery_id).await }

    /// How many deliveries stand where, of one account or of all. As cheap with a million as with one.
    ///
    /// Raises InvalidInputError, StoreError.
    fn lag(&core; customer_id: Option<String> = None) -> DeliveryLag { core.alerts().lag(customer_id.as_deref()).await }

    /// Takes a dead letter back into the outbox, with a full budget of attempts. Anything else stays as it is. `list`
    /// with the status `dead` gives the dead letters.
    ///
    /// Raises NotFoundError, StoreError.
    fn replay(&core, delivery_id: String) -> Delivery { core.alerts().replay(&delivery_id).await }

    /// One delivery.
    ///
    /// Raises NotFoundError, StoreError.
    fn get(&core, delivery_id: String) -> Delivery { core.alerts().get(&delivery_id).await }

    /// A page of deliveries in the order in which they were accepted, of one account or of all, in one of these
    /// statuses (none given: any). `after` is the `next` of the page before, `limit` 1 to 1000 (100).
    ///
    /// Raises InvalidInputError, StoreError.
    fn list(
        &core; customer_id: Option<String> = None, statuses: Option<Sequence<Word<DeliveryStatus>>> = None,
        after: Option<String> = None, limit: Option<u32> = None
    ) -> DeliveryPage {
        let statuses = statuses.plain().unwrap_or_default();
        core.alerts().list(customer_id.as_deref(), &statuses, after.as_deref(), limit).await
    }

    walk {
        /// Walks over deliveries as `list` gives them, `limit` of them per page.
        fn iterate(
            ; customer_id: Option<String> = None, statuses: Option<Sequence<Word<DeliveryStatus>>> = None,
            limit: Option<u32> = None
        ) -> Delivery = list;
    }
}

resource! {
    /// What becomes of the alerts of an account.
    Policies, AsyncPolicies over Arc<Opened>;

    /// Sets the policy of an account, in place of the one it had: a dict, or JSON text. All of it is checked before it
    /// is stored, its templates and time zones included.
    ///
    /// Raises InvalidInputError with the place of the mistake; NotFoundError when the account was not added;
    /// StoreError.
    fn set(&core, customer_id: String, document: Document) -> AccountPolicy {
        core.policies().set(&customer_id, &document.0).await
    }

    /// The policy of an account; its `document` is JSON text.
    ///
    /// Raises NotFoundError when it has none: its alerts all become incidents then; InvalidInputError, StoreError.
    fn get(&core, customer_id: String) -> AccountPolicy { core.policies().get(&customer_id).await }

    /// Removes the policy of an account: from then on all its alerts become incidents.
    ///
    /// Raises NotFoundError when it has none; InvalidInputError, StoreError.
    fn remove(&core, customer_id: String) -> Nothing { core.policies().remove(&customer_id).await.map(Nothing) }

    /// Says what would be done with an alert (an `Alert`, or a dict of the arguments of `submit`) at an instant (now),
    /// and why, rule by rule; does nothing. With a `document`, that policy is asked instead of the account's: to try
    /// it before it is set.
    ///
    /// Raises InvalidInputError for a document that cannot be used, StoreError.
    fn explain(&core, alert: AlertIn; at: Option<Instant> = None, document: Option<Document> = None) -> PolicyDecision {
        core.policies().explain(alert.plain(), at.plain(), document.plain().as_deref()).await
    }
}

resource! {
    /// Sources that alerts are fetched from.
    Sources, AsyncSources over Arc<Opened>;

    /// Looks once for news of a source and submits what is new; call it on a schedule of your own, a minute apart or
    /// more. What it reads twice is one alert. Only one look at a time is made per account and source, over all
    /// processes that share the store. `since` says where to begin when the source was never looked at (a day back).
    /// Do not take the notifications of Citrix Cloud both here and by a webhook: they could become two alerts.
    ///
    /// Raises NotFoundError when the account was not added; UnauthorizedError, ForbiddenError, ThrottledError,
    /// UnavailableError, TimeoutError, ProtocolError, StoreError. What was submitted until then stays, and the next
    /// look goes on from there.
    fn poll(&core, customer_id: String, source: Word<AlertSource>; since: Option<Instant> = None) -> SweepReport {
        core.sources().poll(&customer_id, source.0, since.plain()).await
    }
}

resource! {
    /// Webhook subscriptions at Citrix Cloud.
    Webhooks, AsyncWebhooks over Arc<Opened>;

    takes CreateWebhook(
        customer_id: String, url: String; authorization: Option<Secret> = None, description: Option<String> = None,
        event_type: Option<String> = None, change_type: Option<String> = None
    ) {
        /// Subscribes to events of the account: Citrix Cloud will send them to the URL, which it must reach by `https`.
        /// Give each callback, with the authorization that you chose, to `alerts.submit_webhook`.
        ///
        /// - authorization: what each callback carries as its `Authorization` header. Without it anybody can send you
        ///   some.
        /// - description: a text for people (ITSM Adapter).
        /// - event_type: which events: Notifications (the default), "*", or another of Citrix Cloud's words.
        /// - change_type: which changes: "*" (the default), Create, Update, Delete.
        ///
        /// Raises NotFoundError when the account was not added; InvalidInputError; OutcomeUnknownError when it may have
        /// been made and cannot be found; UnauthorizedError, ForbiddenError, ThrottledError, UnavailableError,
        /// TimeoutError, ProtocolError.
        fn create(&core, request) -> Webhook { core.webhooks().create(request).await }
    }

    /// All webhook subscriptions of the account, whoever made them. What callbacks carry as authorization is not told.
    ///
    /// Raises NotFoundError when the account was not added; UnauthorizedError, ForbiddenError, ThrottledError,
    /// UnavailableError, TimeoutError, ProtocolError.
    fn list(&core, customer_id: String) -> Sequence<Webhook> {
        core.webhooks().list(&customer_id).await.map(Sequence)
    }

    /// Ends a subscription. One that is gone already is no failure.
    ///
    /// Raises what `list` raises.
    fn remove(&core, customer_id: String, webhook_id: String) -> Nothing {
        core.webhooks().remove(&customer_id, &webhook_id).await.map(Nothing)
    }
}

resource! {
    /// The event log.
    Events, AsyncEvents over Arc<Opened>;

    /// A page of events, oldest first, of one account or of all. `after` is the `next` of the page before, `limit`
    /// 1 to 1000 (100).
    ///
    /// Raises InvalidInputError, StoreError.
    fn list(
        &core; customer_id: Option<String> = None, after: Option<String> = None, limit: Option<u32> = None
    ) -> EventPage {
        core.events().list(customer_id.as_deref(), after.as_deref(), limit).await
    }

    walk {
        /// Walks over the event log, of one account or of all, `limit` events per page.
        fn iterate(; customer_id: Option<String> = None, limit: Option<u32> = None) -> Event = list;
    }
}

resource! {
    /// Records of the instance that an account is registered with (Table API). A record is a dict of column names and
    /// texts. A query is a list of conditions (column, operator, value) that must all be met; `fields` are the columns
    /// wanted, all when left out.
    Records, AsyncRecords over Arc<Opened>;

    only blocking {
        /// Walks over all records that match, page by page; see `page`. The next page is on its way while one is read.
        #[pyo3(signature = (customer_id, table, query = None, *, fields = None, size = None))]
        fn pages(
            &self, py: Python<'_>, customer_id: String, table: String, query: Option<Conditions>, fields: Names, size: Option<u32>,
        ) -> PyResult<Walk<RecordPage>> {
            let walked = walked(self.0.here(py), customer_id, table, query, fields, size);
            Bound::new(py, RecordPages(walked)).map(|pages| pages.into_any().into())
        }
    } asyncio {
        /// Walks over all records that match, page by page; see `page`. The next page is on its way while one is read.
        #[pyo3(signature = (customer_id, table, query = None, *, fields = None, size = None))]
        fn pages(
            &self, py: Python<'_>, customer_id: String, table: String, query: Option<Conditions>, fields: Names, size: Option<u32>,
        ) -> PyResult<AsyncWalk<RecordPage>> {
            let walked = walked(self.0.here(py), customer_id, table, query, fields, size);
            Bound::new(py, AsyncRecordPages(walked)).map(|pages| pages.into_any().into())
        }
    }

    /// One record.
    ///
    /// Raises NotFoundError when there is none or it is hidden, IllegalStateError when the account is not registered,
    /// UnauthorizedError, ForbiddenError, ThrottledError, UnavailableError, TimeoutError, ProtocolError,
    /// InvalidInputError.
    fn get(&core, customer_id: String, table: String, sys_id: String; fields: Names = None) -> RecordOut {
        core.records().get(&customer_id, &table, &sys_id, &names(&fields)).await.map(RecordOut)
    }

    /// Records that match the query, at most `limit` of them, 1 to 10,000 (100). No records can also mean no right to
    /// read them.
    ///
    /// Raises what `get` raises.
    fn query(
        &core, customer_id: String, table: String, query: Option<Conditions> = None; fields: Names = None,
        limit: Option<u32> = None
    ) -> RecordsOut {
        core.records().query(&customer_id, &table, &conditions(query)?, &names(&fields), limit).await.map(|found| list(&found))
    }

    /// One page of a walk over all records that match, in the order of `sys_id`: stable, and in constant memory.
    /// `after` is the `next` of the page before, `size` 1 to 10,000 (1000). A column `sys_id` is always asked for.
    ///
    /// Raises what `get` raises.
    fn page(
        &core, customer_id: String, table: String, query: Option<Conditions> = None; fields: Names = None,
        size: Option<u32> = None, after: Option<String> = None
    ) -> RecordPage {
        let (query, fields) = (conditions(query)?, names(&fields));
        core.records().page_json(&customer_id, &table, &query, &fields, size, after.as_deref()).await.map(RecordPage::from)
    }

    /// Makes a record and gives it back as stored. When the outcome of the request is unknown, it is not sent again:
    /// look the record up by a key of yours.
    ///
    /// Raises OutcomeUnknownError when the record may or may not exist; else what `get` raises, and nothing was made.
    fn insert(&core, customer_id: String, table: String, record: RecordIn; fields: Names = None) -> RecordOut {
        core.records().insert(&customer_id, &table, &record.0, &names(&fields)).await.map(RecordOut)
    }

    /// Makes many records, at most `in_flight` (1 to 1000; 64) at a time, and tells of each, in the order given, how it
    /// went: the record, or the exception, which is not raised. One that fails does not stop the others.
    ///
    /// Raises InvalidInputError, IllegalStateError when the account is not registered.
    fn insert_many(
        &core, customer_id: String, table: String, records: RecordsIn; fields: Names = None,
        in_flight: Option<u32> = None
    ) -> InsertedOut {
        core.records().insert_many(&customer_id, &table, &records.0, &names(&fields), in_flight).await.map(InsertedOut)
    }

    /// Changes the columns given and gives the record back.
    ///
    /// Raises what `insert` raises. Repeating an update whose outcome is unknown is safe, unless it writes a journal
    /// column such as `work_notes`.
    fn update(
        &core, customer_id: String, table: String, sys_id: String, record: RecordIn; fields: Names = None
    ) -> RecordOut {
        core.records().update(&customer_id, &table, &sys_id, &record.0, &names(&fields)).await.map(RecordOut)
    }
}

fn walked(
    here: Here,
    customer_id: String,
    table: String,
    query: Option<Conditions>,
    fields: Names,
    size: Option<u32>,
) -> Feed<Walked> {
    Walked::over(here, move |core| {
        Ok(core.records().pages_json(&customer_id, &table, conditions(query)?, &names(&fields), size))
    })
}

resource! {
    /// The adapter: one object that holds the store, the keys, the tokens and the way out.
    ///
    /// `Client` blocks, lets other threads run meanwhile and answers Ctrl-C. The calls of `AsyncClient` are awaited;
    /// cancelling one drops its work. Both open the store at once, and send nothing. Use them in a `with` (`async
    /// with`) block, or close them. What is left out comes from the environment variable named, else from the default.
    ///
    /// - store: path of a SQLite file, or "memory" for a state that ends with the client (ITSM_ADAPTER_STORE;
    ///   required).
    /// - key: seals the secrets, 32 bytes as base64 or hexadecimal (ITSM_ADAPTER_KEY; a key file beside the database).
    /// - old_keys: keys that may still be needed to open what was sealed before a rotation.
    /// - citrix_url: one address in place of all hosts of Citrix Cloud, for the simulator (CITRIX_URL).
    /// - instance_hosts: hosts that may be instances besides ServiceNow's own, such as "*.example.org"
    ///   (SERVICENOW_HOSTS, separated by commas).
    /// - allow_private_networks: whether loopback and private addresses may be called
    ///   (ITSM_ADAPTER_ALLOW_PRIVATE_NETWORKS; no).
    /// - proxy: for all calls (HTTPS_PROXY, ALL_PROXY, NO_PROXY).
    /// - root_certificates: further ones, as PEM text; the system's own stay valid.
    /// - connect_timeout_ms (10,000), attempt_timeout_ms (30,000), total_timeout_ms (120,000): time allowed for a
    ///   connection, for one attempt of a call, for a call with all its attempts.
    /// - max_attempts: how often a call is sent at the most (4).
    /// - concurrency_per_remote: requests in flight to one remote (64).
    /// - transaction_limit_ms: how long an instance may go on working on a request nobody waits for (60,000).
    /// - wake_up_interval_ms: pause between two looks at a frozen site (30,000).
    /// - oauth_servers: authorization servers that differ from what an instance of ServiceNow has by default, each a
    ///   dict; see `itsm_adapter.fields.OauthServerFields`.
    /// - grant_warning_days: days before a grant's wall at which to warn, by an event each (30, 14, 7, 3, 1).
    /// - probe: whether registrations are probed whenever they are saved, and daily by a worker (False).
    /// - keep_deliveries_days (90), keep_dead_letters_days (0), keep_events_days (400): how long a delivery is kept after
    ///   its end, a dead letter after its death, an event; 0: for ever. Workers remove what is over once a day. What goes
    ///   on stays: an alert that has not ended, an incident that is open.
    ///
    /// Raises InvalidInputError for settings that make no sense, StoreError when the store cannot be opened,
    /// SealedError when the key is missing or not readable.
    Client, AsyncClient over Arc<Opened>;

    only blocking {
        /// Closes the client: calls under way end with CancelledError, later ones with IllegalStateError. What was
        /// committed stays; steps that must not be lost half-way run to their end.
        fn close(&self, py: Python<'_>) -> PyResult<Nothing> {
            self.0.close(py);
            Ok(Nothing(()))
        }

        /// Events from now on, one by one: `for event in client.subscribe()`, until the client is closed. A subscriber
        /// that lets more than 1,024 events wait misses the oldest, and is told so by an event of kind `progress`.
        fn subscribe(&self, py: Python<'_>) -> PyResult<Subscription> {
            self.0.now(py).map(|client| Subscription::from(&client))
        }
    } asyncio {
        /// Closes the client: calls under way end with CancelledError, later ones with IllegalStateError. What was
        /// committed stays; steps that must not be lost half-way run to their end.
        fn close(&self, py: Python<'_>) -> PyResult<Coroutine<Nothing>> {
            self.0.close(py);
            coroutine(py, async { Ok(Nothing(())) })
        }

        /// Events from now on, one by one: `async for event in client.subscribe()`, until the client is closed. A
        /// subscriber that lets more than 1,024 events wait misses the oldest, and is told so by an event of kind
        /// `progress`.
        fn subscribe(&self, py: Python<'_>) -> PyResult<AsyncSubscription> {
            self.0.now(py).map(|client| AsyncSubscription::from(&client))
        }
    }

    /// Seals everything with a new key: with this one, or with one that is made and kept in the key file. Interrupted,
    /// it goes on when called again.
    ///
    /// Raises SealedError when something cannot be opened with any key at hand, InvalidInputError when the key comes
    /// from the caller and no new one is given, StoreError.
    fn rotate_key(&core, new_key: Option<Secret> = None) -> RotationReport { core.rotate_key(new_key).await }

    /// Panics inside an operation, for tests.
    fn _panic_on_purpose(&core) -> Nothing { core.panic_on_purpose().await.map(Nothing) }

    parts {
        /// Citrix Cloud accounts.
        accounts: Accounts | AsyncAccounts;
        /// ServiceNow instances as the adapter knows them.
        instances: Instances | AsyncInstances;
        /// Connections of accounts with instances: the Manage list.
        connections: Connections | AsyncConnections;
        /// Registrations: the OAuth side of a connection.
        registrations: Registrations | AsyncRegistrations;
        /// Alerts on their way to incidents.
        alerts: Alerts | AsyncAlerts;
        /// What becomes of the alerts of an account.
        policies: Policies | AsyncPolicies;
        /// Sources that alerts are fetched from.
        sources: Sources | AsyncSources;
        /// Webhook subscriptions at Citrix Cloud.
        webhooks: Webhooks | AsyncWebhooks;
        /// Records of the instance that an account is registered with.
        records: Records | AsyncRecords;
        /// The event log.
        events: Events | AsyncEvents;
    }

    opens ClientOptions(
        store: Place, key: Secret, old_keys: Sequence<Secret>, citrix_url: String, instance_hosts: Sequence<String>,
        allow_private_networks: bool, proxy: Secret, root_certificates: Sequence<String>, connect_timeout_ms: u32,
        attempt_timeout_ms: u32, total_timeout_ms: u32, max_attempts: u32, concurrency_per_remote: u32,
        transaction_limit_ms: u32, wake_up_interval_ms: u32, oauth_servers: Sequence<ServerIn>,
        grant_warning_days: Sequence<u32>, probe: bool, keep_deliveries_days: u32, keep_dead_letters_days: u32,
        keep_events_days: u32,
    );

    until close;

    both {
        /// True after `close`.
        #[getter]
        fn is_closed(&self, py: Python<'_>) -> bool {
            self.0.is_closed(py)
        }

        /// Tells this callable every event from now on. It is called on any thread; be quick. The number takes it off.
        fn observe(&self, py: Python<'_>, callback: Callback) -> PyResult<u64> {
            Ok(self.0.now(py)?.observe(Arc::new(callback)))
        }

        /// Takes an observer off, by the number that `observe` gave.
        fn unobserve(&self, py: Python<'_>, number: u64) -> PyResult<()> {
            self.0.now(py).map(|client| client.unobserve(number))
        }

        fn __repr__(&self) -> String {
            format!("{:?}", self.0)
        }
    }
}

/// Addresses from which the adapter of Citrix Cloud calls an instance, to be allowed there. Empty where Citrix
/// publishes none.
#[pyfunction]
pub(crate) fn egress_ranges(environment: Word<Environment>) -> Vec<&'static str> {
    itsm_adapter::egress_ranges(environment.0).to_vec()
}

//! The operations of both clients: each converts, calls, converts.
#![allow(clippy::too_many_arguments, clippy::doc_markdown, reason = "keyword arguments and docstrings of Python")]
#![allow(unused_braces, reason = "the body of an operation is one expression of the macro")]

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use itsm_adapter::{
    Account, AccountPage, AddAccount, Alert, ClientOptions, Connect, Connection, ConnectionPage, Delivery,
    DeliveryPage, DeliveryStatus, Entitlement, Environment, Event, EventPage, Instance, InstancePage,
    ReauthenticateServiceAccount, RegisterServiceAccount, Revocation, RotationReport, Secret, Severity, TestReport,
    UpdateAccount,
};
use pyo3::{prelude::*, pybacked::PyBackedBytes, types::PyDict};

use crate::{
    convert::{
        AsyncWalk, Conditions, Coroutine, Inserted, Instant, Names, Nothing, RecordIn, RecordOut, RecordPage,
        RecordsIn, RecordsOut, Sequence, Typed, Walk, Word, conditions, list, names,
    },
    error::invalid,
    event::{AsyncSubscription, Callback, Subscription},
    opened::Opened,
    resource::{resource, walk},
    runtime::{coroutine, wait},
};

resource! {
    /// Citrix Cloud accounts.
    Accounts, AsyncAccounts;

    /// Adds an account, after its secure client got a token from Citrix Cloud. Nothing is saved when it did not.
    ///
    /// Raises InvalidInputError; IllegalStateError when the account is there already; UnauthorizedError when Citrix
    /// Cloud refuses the secure client; ThrottledError, UnavailableError, TimeoutError, ProtocolError, StoreError.
    #[pyo3(signature = (customer_id, *, environment, client_id, client_secret, name = None))]
    fn add(
        &core,
        customer_id: String,
        environment: Word<Environment>,
        client_id: String,
        client_secret: Secret,
        name: Option<String>,
    ) -> Account {
        core.accounts().add(AddAccount { customer_id, environment: environment.0, client_id, client_secret, name }).await
    }

    /// Changes an account; what is left out stays as it is. New credentials are tried before they replace the old ones.
    ///
    /// Raises what `add` raises, and NotFoundError.
    #[pyo3(signature = (customer_id, *, client_id = None, client_secret = None, name = None))]
    fn update(
        &core,
        customer_id: String,
        client_id: Option<String>,
        client_secret: Option<Secret>,
        name: Option<String>,
    ) -> Account {
        core.accounts().update(UpdateAccount { customer_id, client_id, client_secret, name }).await
    }

    /// One account.
    ///
    /// Raises NotFoundError, InvalidInputError, StoreError.
    fn get(&core, customer_id: String) -> Account { core.accounts().get(&customer_id).await }

    /// A page of accounts in the order of their ids; `after` is the `next` of the page before, `limit` 1 to 1000 (100).
    ///
    /// Raises InvalidInputError, StoreError.
    #[pyo3(signature = (*, after = None, limit = None))]
    fn list(&core, after: Option<String>, limit: Option<u32>) -> AccountPage {
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

    /// Removes an account that has no connection left, with its secure client.
    ///
    /// Raises NotFoundError; IllegalStateError while it has connections; StoreError.
    fn remove(&core, customer_id: String) -> Nothing { core.accounts().remove(&customer_id).await.map(Nothing) }

    walk {
        /// Walks over all accounts, `limit` of them per page.
        #[pyo3(signature = (*, limit = None))]
        fn iterate(limit: Option<u32>) -> Account = items(list);
    }
}

resource! {
    /// ServiceNow instances as the adapter knows them.
    Instances, AsyncInstances;

    /// One instance, by its address.
    ///
    /// Raises NotFoundError when no connection was ever made with it, InvalidInputError, StoreError.
    fn get(&core, instance_url: String) -> Instance { core.instances().get(&instance_url).await }

    /// A page of instances in the order of their ids; `after` is the `next` of the page before, `limit` 1 to 1000 (100).
    ///
    /// Raises InvalidInputError, StoreError.
    #[pyo3(signature = (*, after = None, limit = None))]
    fn list(&core, after: Option<String>, limit: Option<u32>) -> InstancePage {
        core.instances().list(after.as_deref(), limit).await
    }

    walk {
        /// Walks over all instances, `limit` of them per page.
        #[pyo3(signature = (*, limit = None))]
        fn iterate(limit: Option<u32>) -> Instance = items(list);
    }
}

resource! {
    /// Connections of accounts with instances: the Manage list.
    Connections, AsyncConnections;

    /// Connects an account with an instance: tries the account's secure client, applies the Manage rule, saves.
    /// Connecting again tests again, and notes the secure client that was tested.
    ///
    /// Raises NotFoundError when the account was not added, NotEntitledError with what was found, UnauthorizedError,
    /// PrerequisiteMissingError when the instance's connector is known to be too old for another account,
    /// InvalidInputError, ThrottledError, UnavailableError, TimeoutError, ProtocolError, StoreError.
    #[pyo3(signature = (customer_id, instance_url, *, instance_name = None))]
    fn connect(&core, customer_id: String, instance_url: String, instance_name: Option<String>) -> Connection {
        core.connections().connect(Connect { customer_id, instance_url, instance_name }).await
    }

    /// Does all that `connect` does, but saves nothing. What goes wrong at Citrix Cloud stands in the report.
    ///
    /// Raises NotFoundError, InvalidInputError, StoreError.
    #[pyo3(signature = (customer_id, instance_url, *, instance_name = None))]
    fn test(&core, customer_id: String, instance_url: String, instance_name: Option<String>) -> TestReport {
        core.connections().test(Connect { customer_id, instance_url, instance_name }).await
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
    #[pyo3(signature = (*, customer_id = None, after = None, limit = None))]
    fn list(&core, customer_id: Option<String>, after: Option<String>, limit: Option<u32>) -> ConnectionPage {
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
        #[pyo3(signature = (*, customer_id = None, limit = None))]
        fn iterate(customer_id: Option<String>, limit: Option<u32>) -> Connection = items(list);
    }
}

resource! {
    /// Registrations: the OAuth side of a connection.
    Registrations, AsyncRegistrations;

    /// Registers the account with the instance through a service account: password grant, connection test, save.
    /// A connection is made first when there is none. On a registration that exists it replaces the grant.
    ///
    /// Raises AlreadyRegisteredError naming the instance that holds the account; UnauthorizedError when the token
    /// endpoint refuses (it does not say what is wrong); ForbiddenError naming the role or scope;
    /// PrerequisiteMissingError; NotFoundError, NotEntitledError, InvalidInputError, ThrottledError, UnavailableError,
    /// TimeoutError, ProtocolError, StoreError. Nothing has changed then; an earlier grant goes on working.
    #[pyo3(signature = (customer_id, instance_url, *, client_id, client_secret, user_name, password, instance_name = None))]
    fn register(
        &core,
        customer_id: String,
        instance_url: String,
        client_id: String,
        client_secret: Secret,
        user_name: String,
        password: Secret,
        instance_name: Option<String>,
    ) -> Connection {
        let request = RegisterServiceAccount {
            customer_id, instance_url, instance_name, client_id, client_secret, user_name, password
        };
        core.registrations().register(request).await
    }

    /// Does all that `register` does with the instance, but saves nothing. What the checks find stands in the report.
    ///
    /// Raises InvalidInputError, NotFoundError, and everything that the token endpoint refuses or fails with.
    #[pyo3(signature = (customer_id, instance_url, *, client_id, client_secret, user_name, password, instance_name = None))]
    fn test(
        &core,
        customer_id: String,
        instance_url: String,
        client_id: String,
        client_secret: Secret,
        user_name: String,
        password: Secret,
        instance_name: Option<String>,
    ) -> TestReport {
        let request = RegisterServiceAccount {
            customer_id, instance_url, instance_name, client_id, client_secret, user_name, password
        };
        core.registrations().test(request).await
    }

    /// Gives a registration new credentials, or the same ones again. What is left out stays as it is.
    ///
    /// Raises IllegalStateError without a registration, InvalidInputError when the password of a user account is
    /// missing; else as `register`. The grant in use goes on working then.
    #[pyo3(signature = (customer_id, instance_url, *, client_id = None, client_secret = None, user_name = None, password = None))]
    fn reauthenticate(
        &core,
        customer_id: String,
        instance_url: String,
        client_id: Option<String>,
        client_secret: Option<Secret>,
        user_name: Option<String>,
        password: Option<Secret>,
    ) -> Connection {
        let request = ReauthenticateServiceAccount {
            customer_id, instance_url, client_id, client_secret, user_name, password
        };
        core.registrations().reauthenticate(request).await
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
}

resource! {
    /// Alerts on their way to incidents.
    Alerts, AsyncAlerts;

    /// Takes an alert. When this returns, the alert is stored durably and cannot be lost. The same alert again
    /// (account, source, id) is the same delivery.
    ///
    /// Raises NotFoundError when the account was not added, InvalidInputError, StoreError.
    #[pyo3(signature = (*, customer_id, source, id, title, description, severity, component = None, raised_at = None, fields = None))]
    fn submit(
        &core,
        customer_id: String,
        source: String,
        id: String,
        title: String,
        description: String,
        severity: Word<Severity>,
        component: Option<String>,
        raised_at: Option<Instant>,
        fields: Option<HashMap<String, String>>,
    ) -> Delivery {
        let (severity, raised_at) = (severity.0, raised_at.map(|at| at.0));
        let fields = fields.unwrap_or_default();
        let alert = Alert { customer_id, source, id, title, description, severity, component, raised_at, fields };
        core.alerts().submit(alert).await
    }

    /// Takes the body of a Citrix Cloud webhook callback. None when it tells of something else than a new
    /// notification. `authorization` is the value of that header of the callback, `expected` the value given as
    /// `authHeaders` when the webhook was made; with `expected` they must be equal.
    ///
    /// Raises ForbiddenError when the authorization differs; InvalidInputError when the body is not a callback;
    /// NotFoundError when its account was not added; StoreError.
    #[pyo3(signature = (body, *, authorization = None, expected = None))]
    fn submit_webhook(
        &core,
        body: PyBackedBytes,
        authorization: Option<String>,
        expected: Option<Secret>,
    ) -> Option<Delivery> {
        core.alerts().submit_webhook(&body, authorization.as_deref(), expected.as_ref()).await
    }

    /// Delivers one alert now and gives it back with its incident. An outcome that is unknown is found out before
    /// anything is repeated, which can take as long as the instance may still be working. Delivering twice, or from
    /// two processes, makes one incident.
    ///
    /// Raises NotFoundError; IllegalStateError when the account is not registered; OutcomeUnknownError when the
    /// instance cannot be asked; what the instance refuses with. The delivery stays and can be delivered again.
    fn deliver(&core, delivery_id: String) -> Delivery { core.alerts().deliver(&delivery_id).await }

    /// One delivery.
    ///
    /// Raises NotFoundError, StoreError.
    fn get(&core, delivery_id: String) -> Delivery { core.alerts().get(&delivery_id).await }

    /// A page of deliveries in the order in which they were accepted, of one account or of all, in one of these
    /// statuses (none given: any). `after` is the `next` of the page before, `limit` 1 to 1000 (100).
    ///
    /// Raises InvalidInputError, StoreError.
    #[pyo3(signature = (*, customer_id = None, statuses = None, after = None, limit = None))]
    fn list(
        &core,
        customer_id: Option<String>,
        statuses: Option<Sequence<Word<DeliveryStatus>>>,
        after: Option<String>,
        limit: Option<u32>,
    ) -> DeliveryPage {
        let statuses: Vec<_> = statuses.into_iter().flat_map(|given| given.0).map(|status| status.0).collect();
        core.alerts().list(customer_id.as_deref(), &statuses, after.as_deref(), limit).await
    }

    walk {
        /// Walks over deliveries as `list` gives them, `limit` of them per page.
        #[pyo3(signature = (*, customer_id = None, statuses = None, limit = None))]
        fn iterate(
            customer_id: Option<String>,
            statuses: Option<Sequence<Word<DeliveryStatus>>>,
            limit: Option<u32>,
        ) -> Delivery = items(list);
    }
}

resource! {
    /// The event log.
    Events, AsyncEvents;

    /// A page of events, oldest first, of one account or of all. `after` is the `next` of the page before, `limit`
    /// 1 to 1000 (100).
    ///
    /// Raises InvalidInputError, StoreError.
    #[pyo3(signature = (*, customer_id = None, after = None, limit = None))]
    fn list(&core, customer_id: Option<String>, after: Option<String>, limit: Option<u32>) -> EventPage {
        core.events().list(customer_id.as_deref(), after.as_deref(), limit).await
    }

    walk {
        /// Walks over the event log, of one account or of all, `limit` events per page.
        #[pyo3(signature = (*, customer_id = None, limit = None))]
        fn iterate(customer_id: Option<String>, limit: Option<u32>) -> Event = items(list);
    }
}

resource! {
    /// Records of the instance that an account is registered with (Table API). A record is a dict of column names and
    /// texts. A query is a list of conditions (column, operator, value) that must all be met; `fields` are the columns
    /// wanted, all when left out.
    Records, AsyncRecords;

    /// One record.
    ///
    /// Raises NotFoundError when there is none or it is hidden, IllegalStateError when the account is not registered,
    /// UnauthorizedError, ForbiddenError, ThrottledError, UnavailableError, TimeoutError, ProtocolError,
    /// InvalidInputError.
    #[pyo3(signature = (customer_id, table, sys_id, *, fields = None))]
    fn get(&core, customer_id: String, table: String, sys_id: String, fields: Names) -> RecordOut {
        core.records().get(&customer_id, &table, &sys_id, &names(&fields)).await.map(RecordOut)
    }

    /// Records that match the query, at most `limit` of them. No records can also mean no right to read them.
    ///
    /// Raises what `get` raises.
    #[pyo3(signature = (customer_id, table, query = None, *, fields = None, limit = 100))]
    fn query(
        &core,
        customer_id: String,
        table: String,
        query: Option<Conditions>,
        fields: Names,
        limit: u32,
    ) -> RecordsOut {
        core.records().query(&customer_id, &table, &conditions(query)?, &names(&fields), limit).await.map(|found| list(&found))
    }

    /// One page of a walk over all records that match, in the order of `sys_id`: stable, and in constant memory.
    /// `after` is the `next` of the page before, `size` 1 to 10,000. A column `sys_id` is always asked for.
    ///
    /// Raises what `get` raises.
    #[pyo3(signature = (customer_id, table, query = None, *, fields = None, size = 1000, after = None))]
    fn page(
        &core,
        customer_id: String,
        table: String,
        query: Option<Conditions>,
        fields: Names,
        size: u32,
        after: Option<String>,
    ) -> RecordPage {
        let (query, fields) = (conditions(query)?, names(&fields));
        core.records().page_json(&customer_id, &table, &query, &fields, size, after.as_deref()).await.map(RecordPage::from)
    }

    /// Makes a record and gives it back as stored. When the outcome of the request is unknown, it is not sent again:
    /// look the record up by a key of yours.
    ///
    /// Raises OutcomeUnknownError when the record may or may not exist; else what `get` raises, and nothing was made.
    #[pyo3(signature = (customer_id, table, record, *, fields = None))]
    fn insert(&core, customer_id: String, table: String, record: RecordIn, fields: Names) -> RecordOut {
        core.records().insert(&customer_id, &table, &record.0, &names(&fields)).await.map(RecordOut)
    }

    /// Makes many records, at most `in_flight` (1 to 1000) at a time, and tells of each, in the order given, how it
    /// went: the record, or the exception, which is not raised. One that fails does not stop the others.
    ///
    /// Raises InvalidInputError, IllegalStateError when the account is not registered.
    #[pyo3(signature = (customer_id, table, records, *, fields = None, in_flight = 64))]
    fn insert_many(
        &core,
        customer_id: String,
        table: String,
        records: RecordsIn,
        fields: Names,
        in_flight: usize,
    ) -> Vec<Inserted> {
        let inserted = core.records().insert_many(&customer_id, &table, &records.0, &names(&fields), in_flight).await?;
        Ok(inserted.into_iter().map(Inserted).collect())
    }

    /// Changes the columns given and gives the record back.
    ///
    /// Raises what `insert` raises; repeating an update whose outcome is unknown is safe.
    #[pyo3(signature = (customer_id, table, sys_id, record, *, fields = None))]
    fn update(
        &core,
        customer_id: String,
        table: String,
        sys_id: String,
        record: RecordIn,
        fields: Names,
    ) -> RecordOut {
        core.records().update(&customer_id, &table, &sys_id, &record.0, &names(&fields)).await.map(RecordOut)
    }

    walk {
        /// Walks over all records that match, page by page; see `page`.
        #[pyo3(signature = (customer_id, table, query = None, *, fields = None, size = 1000))]
        fn pages(
            customer_id: String,
            table: String,
            query: Option<Conditions>,
            fields: Names,
            size: u32,
        ) -> RecordPage = pages(page);
    }
}

resource! {
    /// The adapter: one object that holds the store, the keys, the tokens and the way out.
    ///
    /// `Client` blocks, lets other threads run meanwhile and answers Ctrl-C. The calls of `AsyncClient` are awaited;
    /// cancelling one drops its work. Both open the store at once, and send nothing. Use them in a `with` (`async with`)
    /// block, or close them. What is left out comes from the environment variable named, else from the default.
    ///
    /// - store: path of a SQLite file, or "memory" for a state that ends with the client (ITSM_ADAPTER_STORE; required).
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
    ///
    /// Raises InvalidInputError for settings that make no sense, StoreError when the store cannot be opened,
    /// SealedError when the key is missing or not readable.
    Client, AsyncClient;

    /// Seals everything with a new key: with this one, or with one that is made and kept in the key file. Interrupted,
    /// it goes on when called again.
    ///
    /// Raises SealedError when something cannot be opened with any key at hand, InvalidInputError when the key comes
    /// from the caller and no new one is given, StoreError.
    #[pyo3(signature = (new_key = None))]
    fn rotate_key(&core, new_key: Option<Secret>) -> RotationReport { core.rotate_key(new_key).await }

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
        /// Records of the instance that an account is registered with.
        records: Records | AsyncRecords;
        /// The event log.
        events: Events | AsyncEvents;
    }

    both {
        #[new]
        #[pyo3(signature = (*, store = None, key = None, old_keys = None, citrix_url = None, instance_hosts = None,
            allow_private_networks = None, proxy = None, root_certificates = None, connect_timeout_ms = None,
            attempt_timeout_ms = None, total_timeout_ms = None, max_attempts = None, concurrency_per_remote = None,
            transaction_limit_ms = None, wake_up_interval_ms = None))]
        fn new(
            py: Python<'_>,
            store: Option<PathBuf>,
            key: Option<Secret>,
            old_keys: Option<Sequence<Secret>>,
            citrix_url: Option<String>,
            instance_hosts: Option<Sequence<String>>,
            allow_private_networks: Option<bool>,
            proxy: Option<String>,
            root_certificates: Option<Sequence<String>>,
            connect_timeout_ms: Option<u32>,
            attempt_timeout_ms: Option<u32>,
            total_timeout_ms: Option<u32>,
            max_attempts: Option<u32>,
            concurrency_per_remote: Option<u32>,
            transaction_limit_ms: Option<u32>,
            wake_up_interval_ms: Option<u32>,
        ) -> PyResult<Self> {
            let store = store.map(|path| path.into_os_string().into_string()).transpose();
            let store = store.map_err(|_| invalid("The path of the store is not UTF-8.".to_owned()))?;
            Opened::open(py, ClientOptions {
                store, key, old_keys: Sequence::vec(old_keys), citrix_url, instance_hosts: Sequence::vec(instance_hosts),
                allow_private_networks, proxy, root_certificates: Sequence::vec(root_certificates), connect_timeout_ms, attempt_timeout_ms, total_timeout_ms, max_attempts, concurrency_per_remote,
                transaction_limit_ms, wake_up_interval_ms, ..ClientOptions::default()
            }).map(Self)
        }

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
    blocking {
        /// Closes the client: calls under way end with CancelledError, later ones with IllegalStateError. What was
        /// committed stays; steps that must not be lost half-way run to their end.
        fn close(&self, py: Python<'_>) {
            self.0.close(py);
        }

        /// Events from now on, one by one: `for event in client.subscribe()`, until the client is closed. A subscriber
        /// that lets more than 1,024 events wait misses the oldest, and is told so by an event of kind `progress`.
        fn subscribe(&self, py: Python<'_>) -> PyResult<Subscription> {
            self.0.now(py).map(|client| Subscription::from(&client))
        }

        fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
            slf
        }

        fn __exit__(&self, py: Python<'_>, _kind: Bound<'_, PyAny>, _error: Bound<'_, PyAny>, _traceback: Bound<'_, PyAny>) {
            self.0.close(py);
        }
    }
    asyncio {
        /// Closes the client: calls under way end with CancelledError, later ones with IllegalStateError. What was
        /// committed stays; steps that must not be lost half-way run to their end.
        fn close<'py>(&self, py: Python<'py>) -> PyResult<Typed<'py, Coroutine<Nothing>>> {
            self.0.close(py);
            coroutine(py, async { Ok(Nothing(())) })
        }

        /// Events from now on, one by one: `async for event in client.subscribe()`, until the client is closed. A
        /// subscriber that lets more than 1,024 events wait misses the oldest, and is told so by an event of kind
        /// `progress`.
        fn subscribe(&self, py: Python<'_>) -> PyResult<AsyncSubscription> {
            self.0.now(py).map(|client| AsyncSubscription::from(&client))
        }

        fn __aenter__(slf: Bound<'_, Self>) -> PyResult<Typed<'_, Coroutine<Py<Self>>>> {
            let py = slf.py();
            let slf = slf.unbind();
            coroutine(py, async { Ok(slf) })
        }

        fn __aexit__<'py>(
            &self,
            py: Python<'py>,
            _kind: Bound<'py, PyAny>,
            _error: Bound<'py, PyAny>,
            _traceback: Bound<'py, PyAny>,
        ) -> PyResult<Typed<'py, Coroutine<Nothing>>> {
            self.close(py)
        }
    }
}

/// Addresses from which the adapter of Citrix Cloud calls an instance, to be allowed there. Empty where Citrix
/// publishes none.
#[pyfunction]
pub(crate) fn egress_ranges(environment: Word<Environment>) -> Vec<&'static str> {
    itsm_adapter::egress_ranges(environment.0).to_vec()
}

"""
The part of `itsm_adapter` that is written in Rust.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from datetime import datetime
from itsm_adapter.errors import ItsmError
from itsm_adapter.fields import AlertFields, OauthServerFields
from os import PathLike
from typing import Any, Final, SupportsIndex, final

__all__ = ["Account", "AccountPage", "AccountPolicy", "Accounts", "Alert", "AlertSource", "AlertState", "Alerts", "AsyncAccounts", "AsyncAlerts", "AsyncClient", "AsyncConnections", "AsyncEvents", "AsyncInstances", "AsyncPolicies", "AsyncRecords", "AsyncRegistrations", "AsyncSources", "AsyncSubscription", "AsyncWebhooks", "AsyncWorker", "Authorization", "Authorized", "Check", "CheckName", "CheckOutcome", "CheckSummary", "Checked", "ChosenSysId", "Client", "Connection", "ConnectionPage", "ConnectionStatus", "Connections", "Delivery", "DeliveryLag", "DeliveryPage", "DeliveryStatus", "Entitlement", "EntitlementGroup", "Environment", "ErrorInfo", "ErrorKind", "Event", "EventKind", "EventPage", "Events", "Grant", "GrantKind", "Incident", "Instance", "InstanceHealth", "InstancePage", "Instances", "LaneLag", "LookUp", "OauthEndpoint", "Operator", "Policies", "PolicyAction", "PolicyDecision", "PolicyStep", "ProbeReport", "RecordPage", "Records", "Registrations", "Revocation", "RotationReport", "ServiceEntitlement", "ServiceState", "Severity", "Site", "Sources", "Subscription", "SweepReport", "TestReport", "Webhook", "Webhooks", "Worker", "egress_ranges", "forward_logs"]

@final
class Account:
    """
    A Citrix Cloud customer as the adapter knows it. Its client secret is kept sealed and never shown.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def client_id(self, /) -> str:
        """
        The id of the secure client that the adapter signs in with.
        """
    @property
    def created_at(self, /) -> datetime:
        """
        When the account was added.
        """
    @property
    def customer_id(self, /) -> str:
        """
        The Citrix Cloud customer id.
        """
    @property
    def entitlement(self, /) -> Entitlement | None:
        """
        What the account was entitled to when last asked; none before the first question.
        """
    @property
    def environment(self, /) -> Environment:
        """
        The cloud and region it lives in.
        """
    @property
    def is_disabled(self, /) -> bool:
        """
        Whether nothing is sent for it; see `disable` of the accounts.
        """
    @property
    def name(self, /) -> str | None:
        """
        A name for people; not used in any decision.
        """
    @property
    def sites(self, /) -> list[Site]:
        """
        The account's sites as last seen.
        """
    @property
    def updated_at(self, /) -> datetime:
        """
        When it last changed.
        """

@final
class AccountPage:
    """
    One page of accounts, in the order of their ids.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def items(self, /) -> list[Account]:
        """
        The accounts of this page.
        """
    @property
    def next(self, /) -> str | None:
        """
        Give it to the next call to go on; none on the last page.
        """

@final
class AccountPolicy:
    """
    The policy of an account, as stored.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def customer_id(self, /) -> str:
        """
        The account.
        """
    @property
    def document(self, /) -> str:
        """
        The policy as a JSON document, as it was set.
        """
    @property
    def updated_at(self, /) -> datetime:
        """
        When it was set.
        """

@final
class Accounts:
    """
    Citrix Cloud accounts.
    """
    def add(self, /, customer_id: str, *, environment: Environment | str, client_id: str, client_secret: str, name: str | None = None) -> Account:
        """
        Adds an account, after its secure client got a token from Citrix Cloud. Nothing is saved when it did not.

        Raises InvalidInputError; IllegalStateError when the account is there already; UnauthorizedError when Citrix
        Cloud refuses the secure client; ThrottledError, UnavailableError, TimeoutError, ProtocolError, StoreError.
        """
    def disable(self, /, customer_id: str) -> Account:
        """
        Stops everything that is sent for an account, to Citrix Cloud and to instances, until it is enabled again: calls
        and tests are refused, deliveries wait. What is stored stays, alerts are still taken, and unregistering,
        disconnecting and revoking go on working. Counts in this client at once, in other processes within five seconds.

        Raises NotFoundError, InvalidInputError, StoreError, SealedError.
        """
    def enable(self, /, customer_id: str) -> Account:
        """
        Lets an account that was disabled work again, with the credentials and registrations it had.

        Raises what `disable` raises.
        """
    def entitlement(self, /, customer_id: str) -> Entitlement:
        """
        Asks Citrix Cloud what the account is entitled to, and remembers the answer. Wakes a frozen site, which can
        take minutes; progress is told to observers.

        Raises NotFoundError, UnauthorizedError, ForbiddenError, ThrottledError, UnavailableError, TimeoutError,
        ProtocolError, StoreError.
        """
    def get(self, /, customer_id: str) -> Account:
        """
        One account.

        Raises NotFoundError, InvalidInputError, StoreError.
        """
    def iterate(self, /, *, limit: SupportsIndex | None = None) -> Iterator[Account]:
        """
        Walks over all accounts, `limit` of them per page.
        """
    def list(self, /, *, after: str | None = None, limit: SupportsIndex | None = None) -> AccountPage:
        """
        A page of accounts in the order of their ids; `after` is the `next` of the page before, `limit` 1 to 1000 (100).

        Raises InvalidInputError, StoreError.
        """
    def remove(self, /, customer_id: str) -> None:
        """
        Removes an account that has no connection left, with its secure client.

        Raises NotFoundError; IllegalStateError while it has connections; StoreError.
        """
    def test(self, /, customer_id: str) -> TestReport:
        """
        Tries the stored secure client and asks for the entitlement; saves nothing. What goes wrong at Citrix Cloud
        stands in the report.

        Raises NotFoundError, InvalidInputError, StoreError, SealedError.
        """
    def update(self, /, customer_id: str, *, client_id: str | None = None, client_secret: str | None = None, name: str | None = None) -> Account:
        """
        Changes an account; what is left out stays as it is. New credentials are tried before they replace the old
        ones.

        Raises what `add` raises, and NotFoundError; IllegalStateError for new credentials of a disabled account.
        """

@final
class Alert:
    """
    An alert or notification of Citrix Cloud, on its way to an incident.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def category(self, /) -> str | None:
        """
        What kind of trouble it is, in the source's own words.
        """
    @property
    def component(self, /) -> str | None:
        """
        The component it is about, such as `Citrix Cloud`.
        """
    @property
    def customer_id(self, /) -> str:
        """
        The account it belongs to.
        """
    @property
    def description(self, /) -> str:
        """
        The whole text.
        """
    @property
    def fields(self, /) -> dict[str, str]:
        """
        Anything else the source told, by name.
        """
    @property
    def id(self, /) -> str:
        """
        Its id within the source. Account, source and id together are its identity.
        """
    @property
    def policy(self, /) -> str | None:
        """
        The Monitor alert policy that raised it.
        """
    @property
    def priority(self, /) -> str | None:
        """
        How soon somebody should look, in the source's own words.
        """
    @property
    def raised_at(self, /) -> datetime | None:
        """
        When it was raised, as the source says.
        """
    @property
    def severity(self, /) -> Severity:
        """
        How bad it is.
        """
    @property
    def source(self, /) -> str:
        """
        Where it comes from, such as `citrix_cloud` or `monitor`.
        """
    @property
    def state(self, /) -> AlertState:
        """
        What it tells of its cause. Later states of the same alert (account, source, id) belong to its incident.
        """
    @property
    def target(self, /) -> str | None:
        """
        What it is about: a machine, a delivery group, a site.
        """
    @property
    def title(self, /) -> str:
        """
        One line.
        """

@final
class AlertSource:
    """
    Where alerts are fetched from.
    """
    CITRIX_CLOUD: Final[AlertSource]
    """
    Notifications of Citrix Cloud.
    """
    MONITOR: Final[AlertSource]
    """
    Alerts of DaaS, from Monitor.
    """
    def __eq__(self, other: object, /) -> bool:
        """
        Its word is as good.
        """
    def __hash__(self, /) -> int: ...
    def __int__(self, /) -> int: ...
    def __repr__(self, /) -> str: ...
    def __str__(self, /) -> str: ...
    @property
    def value(self, /) -> str:
        """
        The stable word, the same in every language.
        """

@final
class AlertState:
    """
    What an alert tells of its cause.
    """
    CHANGED: Final[AlertState]
    """
    It is still there, and something about it is different.
    """
    ENDED: Final[AlertState]
    """
    It is over.
    """
    RAISED: Final[AlertState]
    """
    It is there: new, or told again.
    """
    def __eq__(self, other: object, /) -> bool:
        """
        Its word is as good.
        """
    def __hash__(self, /) -> int: ...
    def __int__(self, /) -> int: ...
    def __repr__(self, /) -> str: ...
    def __str__(self, /) -> str: ...
    @property
    def value(self, /) -> str:
        """
        The stable word, the same in every language.
        """

@final
class Alerts:
    """
    Alerts on their way to incidents.
    """
    def deliver(self, /, delivery_id: str) -> Delivery:
        """
        Delivers one alert now and gives it back with its incident. An outcome that is unknown is found out before
        anything is repeated, which can take as long as the instance may still be working. Delivering twice, or from
        two processes, makes one incident.

        Raises NotFoundError; IllegalStateError when the account is not registered; OutcomeUnknownError when the
        instance cannot be asked; what the instance refuses with. The delivery stays and can be delivered again.
        """
    def drain(self, /, *, customer_ids: Sequence[str] | None = None, concurrency: SupportsIndex | None = None, max_attempts: SupportsIndex | None = None, poll_interval_ms: SupportsIndex | None = None, batch_size: SupportsIndex | None = None, give_up_after_ms: SupportsIndex | None = None) -> DeliveryLag:
        """
        Delivers what was submitted until nothing waits any more for the accounts that are registered, and tells how
        many deliveries stand where. The arguments are those of `run`; with `give_up_after_ms` it also ends when an
        instance's deliveries have come no further for so long.

        Raises InvalidInputError for an argument out of bounds, StoreError.
        """
    def get(self, /, delivery_id: str) -> Delivery:
        """
        One delivery.

        Raises NotFoundError, StoreError.
        """
    def iterate(self, /, *, customer_id: str | None = None, statuses: Sequence[DeliveryStatus | str] | None = None, limit: SupportsIndex | None = None) -> Iterator[Delivery]:
        """
        Walks over deliveries as `list` gives them, `limit` of them per page.
        """
    def lag(self, /, *, customer_id: str | None = None) -> DeliveryLag:
        """
        How many deliveries stand where, of one account or of all. As cheap with a million as with one.

        Raises InvalidInputError, StoreError.
        """
    def list(self, /, *, customer_id: str | None = None, statuses: Sequence[DeliveryStatus | str] | None = None, after: str | None = None, limit: SupportsIndex | None = None) -> DeliveryPage:
        """
        A page of deliveries in the order in which they were accepted, of one account or of all, in one of these
        statuses (none given: any). `after` is the `next` of the page before, `limit` 1 to 1000 (100).

        Raises InvalidInputError, StoreError.
        """
    def replay(self, /, delivery_id: str) -> Delivery:
        """
        Takes a dead letter back into the outbox, with a full budget of attempts. Anything else stays as it is. `list`
        with the status `dead` gives the dead letters.

        Raises NotFoundError, StoreError.
        """
    def run(self, /, *, customer_ids: Sequence[str] | None = None, concurrency: SupportsIndex | None = None, max_attempts: SupportsIndex | None = None, poll_interval_ms: SupportsIndex | None = None, batch_size: SupportsIndex | None = None) -> Worker:
        """
        Starts a worker, which delivers what was submitted, by this process or another one, until it is stopped or
        the client is closed. Any number of workers may share one store; each instance has a lane of its own. It
        works on when nobody holds what this gives.

        - customer_ids: of these accounts only (all that are registered).
        - concurrency: deliveries in hand per instance at the most, 1 to 256 (16).
        - max_attempts: attempts that reach the instance and make nothing, until a delivery is a dead letter, 1 to
          1000 (10).
        - poll_interval_ms: pause between two looks for work of other processes (500).
        - batch_size: incidents of one account that are sent as one request at the most, 1 to 100 (1). With more than
          1, `concurrency` counts requests.

        Raises InvalidInputError for an argument out of bounds.
        """
    def submit(self, /, *, customer_id: str, source: str, id: str, title: str, severity: Severity | str, description: str | None = None, state: AlertState | str | None = None, priority: str | None = None, category: str | None = None, policy: str | None = None, target: str | None = None, component: str | None = None, raised_at: datetime | None = None, fields: dict[str, str] | None = None) -> Delivery:
        """
        Takes an alert. When this returns, the alert is stored durably and cannot be lost. The same alert again
        (account, source, id) is the same delivery.

        Raises NotFoundError when the account was not added, InvalidInputError, StoreError.
        """
    def submit_many(self, /, alerts: Sequence[Alert | AlertFields]) -> Sequence[Delivery]:
        """
        Takes many alerts and answers in their order; all share few disk flushes. Each is an `Alert`, or a dict of the
        arguments of `submit`. When one of them is refused, the others are taken all the same: submitting all of them
        again is allowed, and adds nothing.

        Raises, for the first alert that was refused and with `index` in the context, what `submit` raises.
        """
    def submit_mapped(self, /, customer_id: str, body: bytes | bytearray, *, mapping: dict[str, Any] | str | None = None, authorization: str | None = None, expected: str | None = None) -> Delivery | None:
        """
        Takes the body of a webhook whose form is the sender's own, such as that of a Monitor alert policy, for an
        account. `mapping` says where things stand in it (a dict, or JSON text); without one, the body has the columns
        of the connector's table *Citrix Alert*. None when it tells of the end of an alert that nobody knows.
        `authorization` and `expected` as with `submit_webhook`.

        Raises ForbiddenError when the authorization differs; InvalidInputError when mapping or body cannot be used;
        NotFoundError when the account was not added; StoreError.
        """
    def submit_webhook(self, /, body: bytes | bytearray, *, authorization: str | None = None, expected: str | None = None, customer_id: str | None = None) -> Delivery | None:
        """
        Takes the body of a Citrix Cloud webhook callback. None when it tells of something else than a new
        notification. `authorization` is the value of that header of the callback, `expected` the value given as
        `authorization` when the webhook was made (Citrix calls it `authHeaders`); with `expected` they must be equal.
        `customer_id` is the account that the webhook was made for: with it, a body that names another account is
        refused; without it, the body is believed.

        Raises ForbiddenError when the authorization differs, or the body names another account; InvalidInputError when
        the body is not a callback; NotFoundError when its account was not added; StoreError.
        """

@final
class AsyncAccounts:
    """
    Citrix Cloud accounts.
    """
    def add(self, /, customer_id: str, *, environment: Environment | str, client_id: str, client_secret: str, name: str | None = None) -> Coroutine[Any, Any, Account]:
        """
        Adds an account, after its secure client got a token from Citrix Cloud. Nothing is saved when it did not.

        Raises InvalidInputError; IllegalStateError when the account is there already; UnauthorizedError when Citrix
        Cloud refuses the secure client; ThrottledError, UnavailableError, TimeoutError, ProtocolError, StoreError.
        """
    def disable(self, /, customer_id: str) -> Coroutine[Any, Any, Account]:
        """
        Stops everything that is sent for an account, to Citrix Cloud and to instances, until it is enabled again: calls
        and tests are refused, deliveries wait. What is stored stays, alerts are still taken, and unregistering,
        disconnecting and revoking go on working. Counts in this client at once, in other processes within five seconds.

        Raises NotFoundError, InvalidInputError, StoreError, SealedError.
        """
    def enable(self, /, customer_id: str) -> Coroutine[Any, Any, Account]:
        """
        Lets an account that was disabled work again, with the credentials and registrations it had.

        Raises what `disable` raises.
        """
    def entitlement(self, /, customer_id: str) -> Coroutine[Any, Any, Entitlement]:
        """
        Asks Citrix Cloud what the account is entitled to, and remembers the answer. Wakes a frozen site, which can
        take minutes; progress is told to observers.

        Raises NotFoundError, UnauthorizedError, ForbiddenError, ThrottledError, UnavailableError, TimeoutError,
        ProtocolError, StoreError.
        """
    def get(self, /, customer_id: str) -> Coroutine[Any, Any, Account]:
        """
        One account.

        Raises NotFoundError, InvalidInputError, StoreError.
        """
    def iterate(self, /, *, limit: SupportsIndex | None = None) -> AsyncIterator[Account]:
        """
        Walks over all accounts, `limit` of them per page.
        """
    def list(self, /, *, after: str | None = None, limit: SupportsIndex | None = None) -> Coroutine[Any, Any, AccountPage]:
        """
        A page of accounts in the order of their ids; `after` is the `next` of the page before, `limit` 1 to 1000 (100).

        Raises InvalidInputError, StoreError.
        """
    def remove(self, /, customer_id: str) -> Coroutine[Any, Any, None]:
        """
        Removes an account that has no connection left, with its secure client.

        Raises NotFoundError; IllegalStateError while it has connections; StoreError.
        """
    def test(self, /, customer_id: str) -> Coroutine[Any, Any, TestReport]:
        """
        Tries the stored secure client and asks for the entitlement; saves nothing. What goes wrong at Citrix Cloud
        stands in the report.

        Raises NotFoundError, InvalidInputError, StoreError, SealedError.
        """
    def update(self, /, customer_id: str, *, client_id: str | None = None, client_secret: str | None = None, name: str | None = None) -> Coroutine[Any, Any, Account]:
        """
        Changes an account; what is left out stays as it is. New credentials are tried before they replace the old
        ones.

        Raises what `add` raises, and NotFoundError; IllegalStateError for new credentials of a disabled account.
        """

@final
class AsyncAlerts:
    """
    Alerts on their way to incidents.
    """
    def deliver(self, /, delivery_id: str) -> Coroutine[Any, Any, Delivery]:
        """
        Delivers one alert now and gives it back with its incident. An outcome that is unknown is found out before
        anything is repeated, which can take as long as the instance may still be working. Delivering twice, or from
        two processes, makes one incident.

        Raises NotFoundError; IllegalStateError when the account is not registered; OutcomeUnknownError when the
        instance cannot be asked; what the instance refuses with. The delivery stays and can be delivered again.
        """
    def drain(self, /, *, customer_ids: Sequence[str] | None = None, concurrency: SupportsIndex | None = None, max_attempts: SupportsIndex | None = None, poll_interval_ms: SupportsIndex | None = None, batch_size: SupportsIndex | None = None, give_up_after_ms: SupportsIndex | None = None) -> Coroutine[Any, Any, DeliveryLag]:
        """
        Delivers what was submitted until nothing waits any more for the accounts that are registered, and tells how
        many deliveries stand where. The arguments are those of `run`; with `give_up_after_ms` it also ends when an
        instance's deliveries have come no further for so long.

        Raises InvalidInputError for an argument out of bounds, StoreError.
        """
    def get(self, /, delivery_id: str) -> Coroutine[Any, Any, Delivery]:
        """
        One delivery.

        Raises NotFoundError, StoreError.
        """
    def iterate(self, /, *, customer_id: str | None = None, statuses: Sequence[DeliveryStatus | str] | None = None, limit: SupportsIndex | None = None) -> AsyncIterator[Delivery]:
        """
        Walks over deliveries as `list` gives them, `limit` of them per page.
        """
    def lag(self, /, *, customer_id: str | None = None) -> Coroutine[Any, Any, DeliveryLag]:
        """
        How many deliveries stand where, of one account or of all. As cheap with a million as with one.

        Raises InvalidInputError, StoreError.
        """
    def list(self, /, *, customer_id: str | None = None, statuses: Sequence[DeliveryStatus | str] | None = None, after: str | None = None, limit: SupportsIndex | None = None) -> Coroutine[Any, Any, DeliveryPage]:
        """
        A page of deliveries in the order in which they were accepted, of one account or of all, in one of these
        statuses (none given: any). `after` is the `next` of the page before, `limit` 1 to 1000 (100).

        Raises InvalidInputError, StoreError.
        """
    def replay(self, /, delivery_id: str) -> Coroutine[Any, Any, Delivery]:
        """
        Takes a dead letter back into the outbox, with a full budget of attempts. Anything else stays as it is. `list`
        with the status `dead` gives the dead letters.

        Raises NotFoundError, StoreError.
        """
    def run(self, /, *, customer_ids: Sequence[str] | None = None, concurrency: SupportsIndex | None = None, max_attempts: SupportsIndex | None = None, poll_interval_ms: SupportsIndex | None = None, batch_size: SupportsIndex | None = None) -> Coroutine[Any, Any, AsyncWorker]:
        """
        Starts a worker, which delivers what was submitted, by this process or another one, until it is stopped or
        the client is closed. Any number of workers may share one store; each instance has a lane of its own. It
        works on when nobody holds what this gives.

        - customer_ids: of these accounts only (all that are registered).
        - concurrency: deliveries in hand per instance at the most, 1 to 256 (16).
        - max_attempts: attempts that reach the instance and make nothing, until a delivery is a dead letter, 1 to
          1000 (10).
        - poll_interval_ms: pause between two looks for work of other processes (500).
        - batch_size: incidents of one account that are sent as one request at the most, 1 to 100 (1). With more than
          1, `concurrency` counts requests.

        Raises InvalidInputError for an argument out of bounds.
        """
    def submit(self, /, *, customer_id: str, source: str, id: str, title: str, severity: Severity | str, description: str | None = None, state: AlertState | str | None = None, priority: str | None = None, category: str | None = None, policy: str | None = None, target: str | None = None, component: str | None = None, raised_at: datetime | None = None, fields: dict[str, str] | None = None) -> Coroutine[Any, Any, Delivery]:
        """
        Takes an alert. When this returns, the alert is stored durably and cannot be lost. The same alert again
        (account, source, id) is the same delivery.

        Raises NotFoundError when the account was not added, InvalidInputError, StoreError.
        """
    def submit_many(self, /, alerts: Sequence[Alert | AlertFields]) -> Coroutine[Any, Any, Sequence[Delivery]]:
        """
        Takes many alerts and answers in their order; all share few disk flushes. Each is an `Alert`, or a dict of the
        arguments of `submit`. When one of them is refused, the others are taken all the same: submitting all of them
        again is allowed, and adds nothing.

        Raises, for the first alert that was refused and with `index` in the context, what `submit` raises.
        """
    def submit_mapped(self, /, customer_id: str, body: bytes | bytearray, *, mapping: dict[str, Any] | str | None = None, authorization: str | None = None, expected: str | None = None) -> Coroutine[Any, Any, Delivery | None]:
        """
        Takes the body of a webhook whose form is the sender's own, such as that of a Monitor alert policy, for an
        account. `mapping` says where things stand in it (a dict, or JSON text); without one, the body has the columns
        of the connector's table *Citrix Alert*. None when it tells of the end of an alert that nobody knows.
        `authorization` and `expected` as with `submit_webhook`.

        Raises ForbiddenError when the authorization differs; InvalidInputError when mapping or body cannot be used;
        NotFoundError when the account was not added; StoreError.
        """
    def submit_webhook(self, /, body: bytes | bytearray, *, authorization: str | None = None, expected: str | None = None, customer_id: str | None = None) -> Coroutine[Any, Any, Delivery | None]:
        """
        Takes the body of a Citrix Cloud webhook callback. None when it tells of something else than a new
        notification. `authorization` is the value of that header of the callback, `expected` the value given as
        `authorization` when the webhook was made (Citrix calls it `authHeaders`); with `expected` they must be equal.
        `customer_id` is the account that the webhook was made for: with it, a body that names another account is
        refused; without it, the body is believed.

        Raises ForbiddenError when the authorization differs, or the body names another account; InvalidInputError when
        the body is not a callback; NotFoundError when its account was not added; StoreError.
        """

@final
class AsyncClient:
    """
    The adapter: one object that holds the store, the keys, the tokens and the way out.

    `Client` blocks, lets other threads run meanwhile and answers Ctrl-C. The calls of `AsyncClient` are awaited;
    cancelling one drops its work. Both open the store at once, and send nothing. Use them in a `with` (`async
    with`) block, or close them. What is left out comes from the environment variable named, else from the default.

    - store: path of a SQLite file, or "memory" for a state that ends with the client (ITSM_ADAPTER_STORE;
      required).
    - key: seals the secrets, 32 bytes as base64 or hexadecimal (ITSM_ADAPTER_KEY; a key file beside the database).
    - old_keys: keys that may still be needed to open what was sealed before a rotation.
    - citrix_url: one address in place of all hosts of Citrix Cloud, for the simulator (CITRIX_URL).
    - instance_hosts: hosts that may be instances besides ServiceNow's own, such as "*.example.org"
      (SERVICENOW_HOSTS, separated by commas).
    - allow_private_networks: whether loopback and private addresses may be called
      (ITSM_ADAPTER_ALLOW_PRIVATE_NETWORKS; no).
    - proxy: for all calls (HTTPS_PROXY, ALL_PROXY, NO_PROXY).
    - root_certificates: further ones, as PEM text; the system's own stay valid.
    - connect_timeout_ms (10,000), attempt_timeout_ms (30,000), total_timeout_ms (120,000): time allowed for a
      connection, for one attempt of a call, for a call with all its attempts.
    - max_attempts: how often a call is sent at the most (4).
    - concurrency_per_remote: requests in flight to one remote (64).
    - transaction_limit_ms: how long an instance may go on working on a request nobody waits for (60,000).
    - wake_up_interval_ms: pause between two looks at a frozen site (30,000).
    - oauth_servers: authorization servers that differ from what an instance of ServiceNow has by default, each a
      dict; see `itsm_adapter.fields.OauthServerFields`.
    - grant_warning_days: days before a grant's wall at which to warn, by an event each (30, 14, 7, 3, 1).
    - probe: whether registrations are probed whenever they are saved, and daily by a worker (False).
    - keep_deliveries_days (90), keep_dead_letters_days (0), keep_events_days (400): how long a delivery is kept after
      its end, a dead letter after its death, an event; 0: for ever. Workers remove what is over once a day. What goes
      on stays: an alert that has not ended, an incident that is open.

    Raises InvalidInputError for settings that make no sense, StoreError when the store cannot be opened,
    SealedError when the key is missing or not readable.
    """
    def __aenter__(self, /) -> Coroutine[Any, Any, AsyncClient]: ...
    def __aexit__(self, /, _kind: Any, _error: Any, _trace: Any) -> Coroutine[Any, Any, None]: ...
    def __new__(cls, /, *, store: str | PathLike[str] | None = None, key: str | None = None, old_keys: Sequence[str] | None = None, citrix_url: str | None = None, instance_hosts: Sequence[str] | None = None, allow_private_networks: bool | None = None, proxy: str | None = None, root_certificates: Sequence[str] | None = None, connect_timeout_ms: SupportsIndex | None = None, attempt_timeout_ms: SupportsIndex | None = None, total_timeout_ms: SupportsIndex | None = None, max_attempts: SupportsIndex | None = None, concurrency_per_remote: SupportsIndex | None = None, transaction_limit_ms: SupportsIndex | None = None, wake_up_interval_ms: SupportsIndex | None = None, oauth_servers: Sequence[OauthServerFields] | None = None, grant_warning_days: Sequence[SupportsIndex] | None = None, probe: bool | None = None, keep_deliveries_days: SupportsIndex | None = None, keep_dead_letters_days: SupportsIndex | None = None, keep_events_days: SupportsIndex | None = None) -> AsyncClient: ...
    def __repr__(self, /) -> str: ...
    def _panic_on_purpose(self, /) -> Coroutine[Any, Any, None]:
        """
        Panics inside an operation, for tests.
        """
    @property
    def accounts(self, /) -> AsyncAccounts:
        """
        Citrix Cloud accounts.
        """
    @property
    def alerts(self, /) -> AsyncAlerts:
        """
        Alerts on their way to incidents.
        """
    def close(self, /) -> Coroutine[Any, Any, None]:
        """
        Closes the client: calls under way end with CancelledError, later ones with IllegalStateError. What was
        committed stays; steps that must not be lost half-way run to their end.
        """
    @property
    def connections(self, /) -> AsyncConnections:
        """
        Connections of accounts with instances: the Manage list.
        """
    @property
    def events(self, /) -> AsyncEvents:
        """
        The event log.
        """
    @property
    def instances(self, /) -> AsyncInstances:
        """
        ServiceNow instances as the adapter knows them.
        """
    @property
    def is_closed(self, /) -> bool:
        """
        True after `close`.
        """
    def observe(self, /, callback: Callable[[Event], object]) -> int:
        """
        Tells this callable every event from now on. It is called on any thread; be quick. The number takes it off.
        """
    @property
    def policies(self, /) -> AsyncPolicies:
        """
        What becomes of the alerts of an account.
        """
    @property
    def records(self, /) -> AsyncRecords:
        """
        Records of the instance that an account is registered with.
        """
    @property
    def registrations(self, /) -> AsyncRegistrations:
        """
        Registrations: the OAuth side of a connection.
        """
    def rotate_key(self, /, new_key: str | None = None) -> Coroutine[Any, Any, RotationReport]:
        """
        Seals everything with a new key: with this one, or with one that is made and kept in the key file. Interrupted,
        it goes on when called again.

        Raises SealedError when something cannot be opened with any key at hand, InvalidInputError when the key comes
        from the caller and no new one is given, StoreError.
        """
    @property
    def sources(self, /) -> AsyncSources:
        """
        Sources that alerts are fetched from.
        """
    def subscribe(self, /) -> AsyncSubscription:
        """
        Events from now on, one by one: `async for event in client.subscribe()`, until the client is closed. A
        subscriber that lets more than 1,024 events wait misses the oldest, and is told so by an event of kind
        `progress`.
        """
    def unobserve(self, /, number: SupportsIndex) -> None:
        """
        Takes an observer off, by the number that `observe` gave.
        """
    @property
    def webhooks(self, /) -> AsyncWebhooks:
        """
        Webhook subscriptions at Citrix Cloud.
        """

@final
class AsyncConnections:
    """
    Connections of accounts with instances: the Manage list.
    """
    def connect(self, /, customer_id: str, instance_url: str, *, instance_name: str | None = None) -> Coroutine[Any, Any, Connection]:
        """
        Connects an account with an instance: tries the account's secure client, applies the Manage rule, saves.
        Connecting again tests again, and notes the secure client that was tested.

        Raises NotFoundError when the account was not added, NotEntitledError with what was found,
        UnauthorizedError, PrerequisiteMissingError when the instance's connector is known to be too old for another
        account, InvalidInputError, ThrottledError, UnavailableError, TimeoutError, ProtocolError, StoreError.
        """
    def disconnect(self, /, customer_id: str, instance_url: str) -> Coroutine[Any, Any, Revocation]:
        """
        Removes a connection: revokes its tokens, if it has any, and forgets it. The account stays. A failed
        revocation is not an error: it stands in the answer.

        Raises NotFoundError, InvalidInputError, StoreError.
        """
    def get(self, /, customer_id: str, instance_url: str) -> Coroutine[Any, Any, Connection]:
        """
        One connection.

        Raises NotFoundError, InvalidInputError, StoreError.
        """
    def iterate(self, /, *, customer_id: str | None = None, limit: SupportsIndex | None = None) -> AsyncIterator[Connection]:
        """
        Walks over the Manage list, of one account or of all, `limit` connections per page.
        """
    def list(self, /, *, customer_id: str | None = None, after: str | None = None, limit: SupportsIndex | None = None) -> Coroutine[Any, Any, ConnectionPage]:
        """
        A page of the Manage list: connections in the order of account and instance, of one account or of all.
        `after` is the `next` of the page before, `limit` 1 to 1000 (100).

        Raises InvalidInputError, StoreError.
        """
    def test(self, /, customer_id: str, instance_url: str, *, instance_name: str | None = None) -> Coroutine[Any, Any, TestReport]:
        """
        Does all that `connect` does, but saves nothing. What goes wrong at Citrix Cloud stands in the report.

        Raises NotFoundError, InvalidInputError, PrerequisiteMissingError as `connect`, SealedError, StoreError.
        """

@final
class AsyncEvents:
    """
    The event log.
    """
    def iterate(self, /, *, customer_id: str | None = None, limit: SupportsIndex | None = None) -> AsyncIterator[Event]:
        """
        Walks over the event log, of one account or of all, `limit` events per page.
        """
    def list(self, /, *, customer_id: str | None = None, after: str | None = None, limit: SupportsIndex | None = None) -> Coroutine[Any, Any, EventPage]:
        """
        A page of events, oldest first, of one account or of all. `after` is the `next` of the page before, `limit`
        1 to 1000 (100).

        Raises InvalidInputError, StoreError.
        """

@final
class AsyncInstances:
    """
    ServiceNow instances as the adapter knows them.
    """
    def get(self, /, instance_url: str) -> Coroutine[Any, Any, Instance]:
        """
        One instance, by its address.

        Raises NotFoundError when no connection was ever made with it, InvalidInputError, StoreError.
        """
    def iterate(self, /, *, limit: SupportsIndex | None = None) -> AsyncIterator[Instance]:
        """
        Walks over all instances, `limit` of them per page.
        """
    def list(self, /, *, after: str | None = None, limit: SupportsIndex | None = None) -> Coroutine[Any, Any, InstancePage]:
        """
        A page of instances in the order of their ids; `after` is the `next` of the page before, `limit` 1 to 1000
        (100).

        Raises InvalidInputError, StoreError.
        """

@final
class AsyncPolicies:
    """
    What becomes of the alerts of an account.
    """
    def explain(self, /, alert: Alert | AlertFields, *, at: datetime | None = None, document: dict[str, Any] | str | None = None) -> Coroutine[Any, Any, PolicyDecision]:
        """
        Says what would be done with an alert (an `Alert`, or a dict of the arguments of `submit`) at an instant (now),
        and why, rule by rule; does nothing. With a `document`, that policy is asked instead of the account's: to try
        it before it is set.

        Raises InvalidInputError for a document that cannot be used, StoreError.
        """
    def get(self, /, customer_id: str) -> Coroutine[Any, Any, AccountPolicy]:
        """
        The policy of an account; its `document` is JSON text.

        Raises NotFoundError when it has none: its alerts all become incidents then; InvalidInputError, StoreError.
        """
    def remove(self, /, customer_id: str) -> Coroutine[Any, Any, None]:
        """
        Removes the policy of an account: from then on all its alerts become incidents.

        Raises NotFoundError when it has none; InvalidInputError, StoreError.
        """
    def set(self, /, customer_id: str, document: dict[str, Any] | str) -> Coroutine[Any, Any, AccountPolicy]:
        """
        Sets the policy of an account, in place of the one it had: a dict, or JSON text. All of it is checked before it
        is stored, its templates and time zones included.

        Raises InvalidInputError with the place of the mistake; NotFoundError when the account was not added;
        StoreError.
        """

@final
class AsyncRecords:
    """
    Records of the instance that an account is registered with (Table API). A record is a dict of column names and
    texts. A query is a list of conditions (column, operator, value) that must all be met; `fields` are the columns
    wanted, all when left out.
    """
    def get(self, /, customer_id: str, table: str, sys_id: str, *, fields: Sequence[str] | None = None) -> Coroutine[Any, Any, dict[str, str]]:
        """
        One record.

        Raises NotFoundError when there is none or it is hidden, IllegalStateError when the account is not registered,
        UnauthorizedError, ForbiddenError, ThrottledError, UnavailableError, TimeoutError, ProtocolError,
        InvalidInputError.
        """
    def insert(self, /, customer_id: str, table: str, record: dict[str, Any] | str, *, fields: Sequence[str] | None = None) -> Coroutine[Any, Any, dict[str, str]]:
        """
        Makes a record and gives it back as stored. When the outcome of the request is unknown, it is not sent again:
        look the record up by a key of yours.

        Raises OutcomeUnknownError when the record may or may not exist; else what `get` raises, and nothing was made.
        """
    def insert_many(self, /, customer_id: str, table: str, records: list[dict[str, Any]] | str, *, fields: Sequence[str] | None = None, in_flight: SupportsIndex | None = None) -> Coroutine[Any, Any, list[dict[str, str] | ItsmError]]:
        """
        Makes many records, at most `in_flight` (1 to 1000; 64) at a time, and tells of each, in the order given, how it
        went: the record, or the exception, which is not raised. One that fails does not stop the others.

        Raises InvalidInputError, IllegalStateError when the account is not registered.
        """
    def page(self, /, customer_id: str, table: str, query: Sequence[tuple[str, Operator | str, str]] | None = None, *, fields: Sequence[str] | None = None, size: SupportsIndex | None = None, after: str | None = None) -> Coroutine[Any, Any, RecordPage]:
        """
        One page of a walk over all records that match, in the order of `sys_id`: stable, and in constant memory.
        `after` is the `next` of the page before, `size` 1 to 10,000 (1000). A column `sys_id` is always asked for.

        Raises what `get` raises.
        """
    def pages(self, /, customer_id: str, table: str, query: Sequence[tuple[str, Operator | str, str]] | None = None, *, fields: Sequence[str] | None = None, size: SupportsIndex | None = None) -> AsyncIterator[RecordPage]:
        """
        Walks over all records that match, page by page; see `page`. The next page is on its way while one is read.
        """
    def query(self, /, customer_id: str, table: str, query: Sequence[tuple[str, Operator | str, str]] | None = None, *, fields: Sequence[str] | None = None, limit: SupportsIndex | None = None) -> Coroutine[Any, Any, list[dict[str, str]]]:
        """
        Records that match the query, at most `limit` of them, 1 to 10,000 (100). No records can also mean no right to
        read them.

        Raises what `get` raises.
        """
    def update(self, /, customer_id: str, table: str, sys_id: str, record: dict[str, Any] | str, *, fields: Sequence[str] | None = None) -> Coroutine[Any, Any, dict[str, str]]:
        """
        Changes the columns given and gives the record back.

        Raises what `insert` raises. Repeating an update whose outcome is unknown is safe, unless it writes a journal
        column such as `work_notes`.
        """

@final
class AsyncRegistrations:
    """
    Registrations: the OAuth side of a connection.
    """
    def abandon(self, /, flow_id: str) -> Coroutine[Any, Any, None]:
        """
        Gives an authorization up: a later callback of it is refused. Without effect when it has ended.

        Raises NotFoundError for a flow that nobody began, StoreError.
        """
    def authorize(self, /, customer_id: str, instance_url: str, *, client_id: str | None = None, client_secret: str | None = None, redirect_url: str | None = None, instance_name: str | None = None, moves_from: str | None = None, allow_another_user: bool = False, session: str | None = None) -> Coroutine[Any, Any, Authorization]:
        """
        Begins to register the account through a person's consent in the browser, or to re-authenticate such a
        registration: send the person's browser to `authorization_url`, and give the address that it comes back to
        to `complete`, within ten minutes, in any process that shares the store. Nothing is sent to anybody.

        - client_id, client_secret: of the OAuth endpoint; left out: those in use.
        - redirect_url: as it is entered at that endpoint, used by no other registration; left out: the one in use.
        - session: what ties the flow to the browser that began it, such as a random value in a cookie of its own.
          Give the same one to `complete`.
        - moves_from: the instance's old address, when a registration moves to a new one; it ends there then.
        - allow_another_user: whether another person than the last time may sign in.

        Raises InvalidInputError for what is missing or not allowed, also for a redirect URL that another
        registration uses; NotFoundError without the account; AlreadyRegisteredError naming the instance that holds
        it; StoreError, SealedError.
        """
    def authorize_in_browser(self, /, customer_id: str, instance_url: str, *, client_id: str | None = None, client_secret: str | None = None, redirect_url: str | None = None, instance_name: str | None = None, moves_from: str | None = None, allow_another_user: bool = False, timeout_ms: SupportsIndex | None = None) -> Coroutine[Any, Any, Authorized]:
        """
        Registers the account through a person's consent, on this machine: opens the system's browser, listens on
        loopback for its return, shows it a page that says what happened, and ends. `timeout_ms` is how long the
        person may take (600,000, and no more). Cancel the call to give it up.

        Raises what `authorize` and `complete` raise; TimeoutError when nobody came back; UnavailableError when the
        port is taken or there is no browser: use `listen` or `authorize` then.
        """
    def check(self, /, customer_id: str, instance_url: str) -> Coroutine[Any, Any, Connection]:
        """
        Checks a registration: token fresh, API readable, roles still there. Updates the instance's health and, with
        proof only, the status. What goes wrong at the instance stands in the connection.

        Raises NotFoundError, IllegalStateError without a registration, InvalidInputError, StoreError, SealedError.
        """
    def check_all(self, /, *, customer_id: str | None = None, concurrency: SupportsIndex | None = None) -> Coroutine[Any, Any, CheckSummary]:
        """
        Checks every registration, of one account or of all, as `check` does, `concurrency` of them at the same time
        (1 to 256; 16), and tells the progress by events of kind `progress`. What is wrong with one registration stands
        in the summary and does not stop the others.

        Raises InvalidInputError, StoreError, SealedError.
        """
    def complete(self, /, callback_url: str, *, session: str | None = None) -> Coroutine[Any, Any, Authorized]:
        """
        Finishes an authorization with the address that the browser came back to: exchange, connection test, save. It
        goes on to its end when the caller goes away.

        Raises ConsentDeniedError when the person did not allow it; FlowExpiredError for a callback that is too late,
        repeated, forged, or from another session (context `reason`); InvalidInputError for one that is not ours;
        IllegalStateError when another person signed in than the last time; UnauthorizedError when the code is refused;
        else as `register`. Nothing has changed then; an earlier grant goes on working.
        """
    def listen(self, /, customer_id: str, instance_url: str, *, client_id: str | None = None, client_secret: str | None = None, redirect_url: str | None = None, instance_name: str | None = None, moves_from: str | None = None, allow_another_user: bool = False) -> Coroutine[Any, Any, Authorization]:
        """
        Begins an authorization as `authorize` does, with a listener on loopback in this process: open the address
        in any browser of this machine, and wait with `wait_for`. The host of `redirect_url` is 127.0.0.1 or [::1];
        left out, a free port is taken.

        Raises what `authorize` raises; UnavailableError when the port of the redirect URL is taken.
        """
    def probe(self, /, customer_id: str) -> Coroutine[Any, Any, ProbeReport]:
        """
        Finds out what the instance that the account is registered with does with records, with an incident of the
        adapter's own that is cancelled at once: whether look-ups by key can be relied on, and whether a record id that
        the adapter chose is honoured. What was learned is kept, and minded by every delivery from then on. With the
        option `probe` this is done whenever a registration is saved, and daily by a worker.

        Raises NotFoundError; IllegalStateError when the account is not registered; what the instance refuses or fails
        with, with `left_open` in its context when something that was made could not be closed; StoreError.
        """
    def reauthenticate(self, /, customer_id: str, instance_url: str, *, client_id: str | None = None, client_secret: str | None = None, user_name: str | None = None, password: str | None = None) -> Coroutine[Any, Any, Connection]:
        """
        Gives a registration new credentials, or the same ones again. What is left out stays as it is.

        Raises IllegalStateError without a registration, InvalidInputError when the password of a user account is
        missing; else as `register`. The grant in use goes on working then.
        """
    def register(self, /, customer_id: str, instance_url: str, *, client_id: str, client_secret: str, user_name: str, password: str, instance_name: str | None = None) -> Coroutine[Any, Any, Connection]:
        """
        Registers the account with the instance through a service account: password grant, connection test, save.
        A connection is made first when there is none. On a registration that exists it replaces the grant.

        Raises AlreadyRegisteredError naming the instance that holds the account; UnauthorizedError when the token
        endpoint refuses (it does not say what is wrong); ForbiddenError naming the role or scope;
        PrerequisiteMissingError; NotFoundError, NotEntitledError, InvalidInputError, ThrottledError,
        UnavailableError, TimeoutError, ProtocolError, StoreError. Nothing has changed then; an earlier grant goes
        on working.
        """
    def relocate(self, /, customer_id: str, instance_url: str, *, client_id: str, client_secret: str, user_name: str, password: str, instance_name: str | None = None, from_instance_url: str) -> Coroutine[Any, Any, Connection]:
        """
        Moves a registration to the new address of its instance, with a service account there. It ends at
        `from_instance_url` in the same step that saves it at `instance_url`; until then the old one goes on
        working.

        Raises what `register` raises; IllegalStateError without a registration at the old address;
        InvalidInputError when both are the same.
        """
    def test(self, /, customer_id: str, instance_url: str, *, client_id: str, client_secret: str, user_name: str, password: str, instance_name: str | None = None) -> Coroutine[Any, Any, TestReport]:
        """
        Does all that `register` does with the instance, but saves nothing. What the checks find stands in the
        report.

        Raises InvalidInputError, NotFoundError, and everything that the token endpoint refuses or fails with.
        """
    def unregister(self, /, customer_id: str, instance_url: str) -> Coroutine[Any, Any, Revocation]:
        """
        Ends a registration: forgets grant and endpoint secret, revokes the tokens, keeps the connection. A failed
        revocation is not an error: it stands in the answer, and the adapter tries again at the next check.

        Raises IllegalStateError without a registration, NotFoundError, InvalidInputError, StoreError.
        """
    def update_endpoint_secret(self, /, customer_id: str, instance_url: str, *, client_secret: str) -> Coroutine[Any, Any, Connection]:
        """
        Gives a registration the new secret of its OAuth endpoint, without anybody signing in again. The old one is
        forgotten only when the new one has worked. It also brings a registration back that became `unauthorized`
        because the secret had changed.

        Raises UnauthorizedError when the token endpoint refuses it; IllegalStateError without a registration;
        InvalidInputError, NotFoundError, ThrottledError, UnavailableError, TimeoutError, ProtocolError, StoreError,
        SealedError. The old secret stays then.
        """
    def wait_for(self, /, flow_id: str, *, timeout_ms: SupportsIndex | None = None) -> Coroutine[Any, Any, Authorized]:
        """
        Waits for what a listener hears, `timeout_ms` at the most (as long as the flow lives). When it is over, or the
        call is cancelled, the listener ends and the flow is given up; a callback that came before is finished.

        Raises what `complete` raises; TimeoutError when nobody came back; NotFoundError when no listener of this client
        belongs to the flow.
        """

@final
class AsyncSources:
    """
    Sources that alerts are fetched from.
    """
    def poll(self, /, customer_id: str, source: AlertSource | str, *, since: datetime | None = None) -> Coroutine[Any, Any, SweepReport]:
        """
        Looks once for news of a source and submits what is new; call it on a schedule of your own, a minute apart or
        more. What it reads twice is one alert. Only one look at a time is made per account and source, over all
        processes that share the store. `since` says where to begin when the source was never looked at (a day back).
        Do not take the notifications of Citrix Cloud both here and by a webhook: they could become two alerts.

        Raises NotFoundError when the account was not added; UnauthorizedError, ForbiddenError, ThrottledError,
        UnavailableError, TimeoutError, ProtocolError, StoreError. What was submitted until then stays, and the next
        look goes on from there.
        """

@final
class AsyncSubscription:
    """
    Events from the moment of subscribing on, until the client is closed.
    """
    def __aiter__(self, /) -> AsyncSubscription: ...
    def __anext__(self, /) -> Coroutine[Any, Any, Event]: ...

@final
class AsyncWebhooks:
    """
    Webhook subscriptions at Citrix Cloud.
    """
    def create(self, /, customer_id: str, url: str, *, authorization: str | None = None, description: str | None = None, event_type: str | None = None, change_type: str | None = None) -> Coroutine[Any, Any, Webhook]:
        """
        Subscribes to events of the account: Citrix Cloud will send them to the URL, which it must reach by `https`.
        Give each callback, with the authorization that you chose, to `alerts.submit_webhook`.

        - authorization: what each callback carries as its `Authorization` header. Without it anybody can send you
          some.
        - description: a text for people (ITSM Adapter).
        - event_type: which events: Notifications (the default), "*", or another of Citrix Cloud's words.
        - change_type: which changes: "*" (the default), Create, Update, Delete.

        Raises NotFoundError when the account was not added; InvalidInputError; OutcomeUnknownError when it may have
        been made and cannot be found; UnauthorizedError, ForbiddenError, ThrottledError, UnavailableError,
        TimeoutError, ProtocolError.
        """
    def list(self, /, customer_id: str) -> Coroutine[Any, Any, Sequence[Webhook]]:
        """
        All webhook subscriptions of the account, whoever made them. What callbacks carry as authorization is not told.

        Raises NotFoundError when the account was not added; UnauthorizedError, ForbiddenError, ThrottledError,
        UnavailableError, TimeoutError, ProtocolError.
        """
    def remove(self, /, customer_id: str, webhook_id: str) -> Coroutine[Any, Any, None]:
        """
        Ends a subscription. One that is gone already is no failure.

        Raises what `list` raises.
        """

@final
class AsyncWorker:
    """
    A worker at work, until it is stopped or its client is closed; it works on when nobody holds it. In a `with` block
    (`async with`) it is stopped at the end of the block.
    """
    def __aenter__(self, /) -> Coroutine[Any, Any, AsyncWorker]: ...
    def __aexit__(self, /, _kind: Any, _error: Any, _trace: Any) -> Coroutine[Any, Any, None]: ...
    def ended(self, /) -> Coroutine[Any, Any, None]:
        """
        Returns when the worker has ended: after `stop`, or when the client was closed.

        Raises what `stop` raises.
        """
    def stop(self, /) -> Coroutine[Any, Any, None]:
        """
        Takes nothing more, finishes what is in hand, and returns when that is done: at most the time of one call
        (`total_timeout_ms`). What could not be finished waits for the next worker. Stopping twice is allowed.

        Raises InternalError when the worker ended in a panic; IllegalStateError in a fork of its process.
        """

@final
class Authorization:
    """
    An authorization that has begun: open the URL in a browser.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def authorization_url(self, /) -> str:
        """
        Where to send the browser. It holds the flow's state value: show it to nobody but the person who signs in.
        """
    @property
    def customer_id(self, /) -> str:
        """
        The account that is to be registered.
        """
    @property
    def expires_at(self, /) -> datetime:
        """
        When the flow ends by itself.
        """
    @property
    def flow_id(self, /) -> str:
        """
        Names the flow: for waiting, or for giving it up.
        """
    @property
    def instance_id(self, /) -> str:
        """
        The instance where the person signs in.
        """
    @property
    def redirect_url(self, /) -> str:
        """
        Where the browser comes back to.
        """

@final
class Authorized:
    """
    A finished authorization: who signed in, and the registration that is saved.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def connection(self, /) -> Connection:
        """
        The registration.
        """
    @property
    def previous_user_name(self, /) -> str | None:
        """
        Whose grant this one replaces, when that was somebody else.
        """
    @property
    def user_name(self, /) -> str | None:
        """
        Who signed in, by user name; none when the instance does not tell.
        """
    @property
    def user_sys_id(self, /) -> str | None:
        """
        The person's record id in the instance, when it told.
        """

@final
class Check:
    """
    One line of a connection test.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def name(self, /) -> CheckName:
        """
        What was checked.
        """
    @property
    def outcome(self, /) -> CheckOutcome:
        """
        The answer.
        """
    @property
    def remedy(self, /) -> str:
        """
        What to do about it; empty when there is nothing to do.
        """
    @property
    def seen(self, /) -> str:
        """
        What was seen, in one sentence.
        """

@final
class CheckName:
    """
    What is checked before a registration is saved.
    """
    CONNECTOR: Final[CheckName]
    """
    The Citrix connector is installed there, and which version.
    """
    CONNECTOR_ROLE: Final[CheckName]
    """
    The user holds the connector's administrator role.
    """
    ENTITLEMENT: Final[CheckName]
    """
    The account's subscription includes the adapter.
    """
    IDENTITY: Final[CheckName]
    """
    The instance says who signed in.
    """
    INCIDENT_RIGHT: Final[CheckName]
    """
    The user may write incidents.
    """
    SECURE_CLIENT: Final[CheckName]
    """
    The secure client gets a token from Citrix Cloud.
    """
    TABLE_API: Final[CheckName]
    """
    The Table API can be read.
    """
    TOKEN: Final[CheckName]
    """
    The instance's token endpoint accepts the credentials.
    """
    def __eq__(self, other: object, /) -> bool:
        """
        Its word is as good.
        """
    def __hash__(self, /) -> int: ...
    def __int__(self, /) -> int: ...
    def __repr__(self, /) -> str: ...
    def __str__(self, /) -> str: ...
    @property
    def value(self, /) -> str:
        """
        The stable word, the same in every language.
        """

@final
class CheckOutcome:
    """
    Answer of one check.
    """
    FAIL: Final[CheckOutcome]
    """
    Not as it should be; nothing is saved.
    """
    PASS: Final[CheckOutcome]
    """
    As it should be.
    """
    SKIPPED: Final[CheckOutcome]
    """
    Not asked, because an earlier check failed.
    """
    UNKNOWN: Final[CheckOutcome]
    """
    The answer is hidden from the account. It does not fail a save.
    """
    def __eq__(self, other: object, /) -> bool:
        """
        Its word is as good.
        """
    def __hash__(self, /) -> int: ...
    def __int__(self, /) -> int: ...
    def __repr__(self, /) -> str: ...
    def __str__(self, /) -> str: ...
    @property
    def value(self, /) -> str:
        """
        The stable word, the same in every language.
        """

@final
class CheckSummary:
    """
    The outcome of a sweep over registrations.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def failed(self, /) -> int:
        """
        Registrations that could not be checked.
        """
    @property
    def healthy(self, /) -> int:
        """
        Registrations that are registered, at an instance that answers as it should.
        """
    @property
    def items(self, /) -> list[Checked]:
        """
        All of them, in the order of account and instance.
        """
    @property
    def unauthorized(self, /) -> int:
        """
        Registrations whose grant is refused.
        """
    @property
    def unhealthy(self, /) -> int:
        """
        Registrations at an instance that does not answer as it should; they keep their status.
        """

@final
class Checked:
    """
    What became of one registration in a sweep.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def customer_id(self, /) -> str:
        """
        The account.
        """
    @property
    def days_left(self, /) -> int | None:
        """
        Whole days until the grant ends, when that is known.
        """
    @property
    def failure(self, /) -> ErrorInfo | None:
        """
        Why the registration could not be checked at all.
        """
    @property
    def health(self, /) -> InstanceHealth:
        """
        How the instance answered.
        """
    @property
    def instance_id(self, /) -> str:
        """
        The instance.
        """
    @property
    def status(self, /) -> ConnectionStatus | None:
        """
        Where the connection stands now; none when it is gone.
        """

@final
class ChosenSysId:
    """
    What an instance does with a record id (`sys_id`) that comes with a new record.
    """
    HONOURED: Final[ChosenSysId]
    """
    The record gets it, and a second record with the same one is refused: every incident of this account is made
    with one, so that the instance itself makes a second impossible.
    """
    IGNORED: Final[ChosenSysId]
    """
    The record gets another one.
    """
    REFUSED: Final[ChosenSysId]
    """
    The record is refused, and made without it.
    """
    UNKNOWN: Final[ChosenSysId]
    """
    What was seen is not good enough to rely on.
    """
    def __eq__(self, other: object, /) -> bool:
        """
        Its word is as good.
        """
    def __hash__(self, /) -> int: ...
    def __int__(self, /) -> int: ...
    def __repr__(self, /) -> str: ...
    def __str__(self, /) -> str: ...
    @property
    def value(self, /) -> str:
        """
        The stable word, the same in every language.
        """

@final
class Client:
    """
    The adapter: one object that holds the store, the keys, the tokens and the way out.

    `Client` blocks, lets other threads run meanwhile and answers Ctrl-C. The calls of `AsyncClient` are awaited;
    cancelling one drops its work. Both open the store at once, and send nothing. Use them in a `with` (`async
    with`) block, or close them. What is left out comes from the environment variable named, else from the default.

    - store: path of a SQLite file, or "memory" for a state that ends with the client (ITSM_ADAPTER_STORE;
      required).
    - key: seals the secrets, 32 bytes as base64 or hexadecimal (ITSM_ADAPTER_KEY; a key file beside the database).
    - old_keys: keys that may still be needed to open what was sealed before a rotation.
    - citrix_url: one address in place of all hosts of Citrix Cloud, for the simulator (CITRIX_URL).
    - instance_hosts: hosts that may be instances besides ServiceNow's own, such as "*.example.org"
      (SERVICENOW_HOSTS, separated by commas).
    - allow_private_networks: whether loopback and private addresses may be called
      (ITSM_ADAPTER_ALLOW_PRIVATE_NETWORKS; no).
    - proxy: for all calls (HTTPS_PROXY, ALL_PROXY, NO_PROXY).
    - root_certificates: further ones, as PEM text; the system's own stay valid.
    - connect_timeout_ms (10,000), attempt_timeout_ms (30,000), total_timeout_ms (120,000): time allowed for a
      connection, for one attempt of a call, for a call with all its attempts.
    - max_attempts: how often a call is sent at the most (4).
    - concurrency_per_remote: requests in flight to one remote (64).
    - transaction_limit_ms: how long an instance may go on working on a request nobody waits for (60,000).
    - wake_up_interval_ms: pause between two looks at a frozen site (30,000).
    - oauth_servers: authorization servers that differ from what an instance of ServiceNow has by default, each a
      dict; see `itsm_adapter.fields.OauthServerFields`.
    - grant_warning_days: days before a grant's wall at which to warn, by an event each (30, 14, 7, 3, 1).
    - probe: whether registrations are probed whenever they are saved, and daily by a worker (False).
    - keep_deliveries_days (90), keep_dead_letters_days (0), keep_events_days (400): how long a delivery is kept after
      its end, a dead letter after its death, an event; 0: for ever. Workers remove what is over once a day. What goes
      on stays: an alert that has not ended, an incident that is open.

    Raises InvalidInputError for settings that make no sense, StoreError when the store cannot be opened,
    SealedError when the key is missing or not readable.
    """
    def __enter__(self, /) -> Client: ...
    def __exit__(self, /, _kind: Any, _error: Any, _trace: Any) -> None: ...
    def __new__(cls, /, *, store: str | PathLike[str] | None = None, key: str | None = None, old_keys: Sequence[str] | None = None, citrix_url: str | None = None, instance_hosts: Sequence[str] | None = None, allow_private_networks: bool | None = None, proxy: str | None = None, root_certificates: Sequence[str] | None = None, connect_timeout_ms: SupportsIndex | None = None, attempt_timeout_ms: SupportsIndex | None = None, total_timeout_ms: SupportsIndex | None = None, max_attempts: SupportsIndex | None = None, concurrency_per_remote: SupportsIndex | None = None, transaction_limit_ms: SupportsIndex | None = None, wake_up_interval_ms: SupportsIndex | None = None, oauth_servers: Sequence[OauthServerFields] | None = None, grant_warning_days: Sequence[SupportsIndex] | None = None, probe: bool | None = None, keep_deliveries_days: SupportsIndex | None = None, keep_dead_letters_days: SupportsIndex | None = None, keep_events_days: SupportsIndex | None = None) -> Client: ...
    def __repr__(self, /) -> str: ...
    def _panic_on_purpose(self, /) -> None:
        """
        Panics inside an operation, for tests.
        """
    @property
    def accounts(self, /) -> Accounts:
        """
        Citrix Cloud accounts.
        """
    @property
    def alerts(self, /) -> Alerts:
        """
        Alerts on their way to incidents.
        """
    def close(self, /) -> None:
        """
        Closes the client: calls under way end with CancelledError, later ones with IllegalStateError. What was
        committed stays; steps that must not be lost half-way run to their end.
        """
    @property
    def connections(self, /) -> Connections:
        """
        Connections of accounts with instances: the Manage list.
        """
    @property
    def events(self, /) -> Events:
        """
        The event log.
        """
    @property
    def instances(self, /) -> Instances:
        """
        ServiceNow instances as the adapter knows them.
        """
    @property
    def is_closed(self, /) -> bool:
        """
        True after `close`.
        """
    def observe(self, /, callback: Callable[[Event], object]) -> int:
        """
        Tells this callable every event from now on. It is called on any thread; be quick. The number takes it off.
        """
    @property
    def policies(self, /) -> Policies:
        """
        What becomes of the alerts of an account.
        """
    @property
    def records(self, /) -> Records:
        """
        Records of the instance that an account is registered with.
        """
    @property
    def registrations(self, /) -> Registrations:
        """
        Registrations: the OAuth side of a connection.
        """
    def rotate_key(self, /, new_key: str | None = None) -> RotationReport:
        """
        Seals everything with a new key: with this one, or with one that is made and kept in the key file. Interrupted,
        it goes on when called again.

        Raises SealedError when something cannot be opened with any key at hand, InvalidInputError when the key comes
        from the caller and no new one is given, StoreError.
        """
    @property
    def sources(self, /) -> Sources:
        """
        Sources that alerts are fetched from.
        """
    def subscribe(self, /) -> Subscription:
        """
        Events from now on, one by one: `for event in client.subscribe()`, until the client is closed. A subscriber
        that lets more than 1,024 events wait misses the oldest, and is told so by an event of kind `progress`.
        """
    def unobserve(self, /, number: SupportsIndex) -> None:
        """
        Takes an observer off, by the number that `observe` gave.
        """
    @property
    def webhooks(self, /) -> Webhooks:
        """
        Webhook subscriptions at Citrix Cloud.
        """

@final
class Connection:
    """
    Account × instance: one line of the Manage list.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def created_at(self, /) -> datetime:
        """
        When the connection was made.
        """
    @property
    def customer_id(self, /) -> str:
        """
        The account.
        """
    @property
    def endpoint(self, /) -> OauthEndpoint | None:
        """
        The OAuth endpoint in use; none while unregistered.
        """
    @property
    def grant(self, /) -> Grant | None:
        """
        The grant in use; none while unregistered.
        """
    @property
    def health(self, /) -> InstanceHealth:
        """
        How the instance answered last.
        """
    @property
    def instance_id(self, /) -> str:
        """
        The instance.
        """
    @property
    def instance_name(self, /) -> str | None:
        """
        The instance's name for people.
        """
    @property
    def last_test(self, /) -> TestReport | None:
        """
        What the last connection test found.
        """
    @property
    def secure_client_id(self, /) -> str:
        """
        The secure client that was tested for this connection.
        """
    @property
    def status(self, /) -> ConnectionStatus:
        """
        Where the connection stands.
        """
    @property
    def updated_at(self, /) -> datetime:
        """
        When it last changed.
        """

@final
class ConnectionPage:
    """
    One page of connections, in the order of account and instance.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def items(self, /) -> list[Connection]:
        """
        The connections of this page.
        """
    @property
    def next(self, /) -> str | None:
        """
        Give it to the next call to go on; none on the last page.
        """

@final
class ConnectionStatus:
    """
    Where a connection stands. No connection = not listed. (ITSM Adapter service, "Get started".)
    """
    REGISTERED: Final[ConnectionStatus]
    """
    Registered: both directions work.
    """
    UNAUTHORIZED: Final[ConnectionStatus]
    """
    "ServiceNow Instance Unauthorized": the instance refuses the grant; re-authenticate.
    """
    UNREGISTERED: Final[ConnectionStatus]
    """
    The account is connected; Citrix Cloud is not registered with the instance yet.
    """
    def __eq__(self, other: object, /) -> bool:
        """
        Its word is as good.
        """
    def __hash__(self, /) -> int: ...
    def __int__(self, /) -> int: ...
    def __repr__(self, /) -> str: ...
    def __str__(self, /) -> str: ...
    @property
    def value(self, /) -> str:
        """
        The stable word, the same in every language.
        """

@final
class Connections:
    """
    Connections of accounts with instances: the Manage list.
    """
    def connect(self, /, customer_id: str, instance_url: str, *, instance_name: str | None = None) -> Connection:
        """
        Connects an account with an instance: tries the account's secure client, applies the Manage rule, saves.
        Connecting again tests again, and notes the secure client that was tested.

        Raises NotFoundError when the account was not added, NotEntitledError with what was found,
        UnauthorizedError, PrerequisiteMissingError when the instance's connector is known to be too old for another
        account, InvalidInputError, ThrottledError, UnavailableError, TimeoutError, ProtocolError, StoreError.
        """
    def disconnect(self, /, customer_id: str, instance_url: str) -> Revocation:
        """
        Removes a connection: revokes its tokens, if it has any, and forgets it. The account stays. A failed
        revocation is not an error: it stands in the answer.

        Raises NotFoundError, InvalidInputError, StoreError.
        """
    def get(self, /, customer_id: str, instance_url: str) -> Connection:
        """
        One connection.

        Raises NotFoundError, InvalidInputError, StoreError.
        """
    def iterate(self, /, *, customer_id: str | None = None, limit: SupportsIndex | None = None) -> Iterator[Connection]:
        """
        Walks over the Manage list, of one account or of all, `limit` connections per page.
        """
    def list(self, /, *, customer_id: str | None = None, after: str | None = None, limit: SupportsIndex | None = None) -> ConnectionPage:
        """
        A page of the Manage list: connections in the order of account and instance, of one account or of all.
        `after` is the `next` of the page before, `limit` 1 to 1000 (100).

        Raises InvalidInputError, StoreError.
        """
    def test(self, /, customer_id: str, instance_url: str, *, instance_name: str | None = None) -> TestReport:
        """
        Does all that `connect` does, but saves nothing. What goes wrong at Citrix Cloud stands in the report.

        Raises NotFoundError, InvalidInputError, PrerequisiteMissingError as `connect`, SealedError, StoreError.
        """

@final
class Delivery:
    """
    An alert on its way to an incident.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def accepted_at(self, /) -> datetime:
        """
        When the alert was accepted.
        """
    @property
    def alert(self, /) -> Alert:
        """
        What is delivered.
        """
    @property
    def attempts(self, /) -> int:
        """
        How many times an insert was begun.
        """
    @property
    def correlation_id(self, /) -> str:
        """
        The key written into the incident's `correlation_id`, fixed when the alert was accepted.
        """
    @property
    def customer_id(self, /) -> str:
        """
        The account.
        """
    @property
    def failure(self, /) -> str | None:
        """
        Why it is not delivered, in one sentence.
        """
    @property
    def id(self, /) -> str:
        """
        Made by the adapter.
        """
    @property
    def incident(self, /) -> Incident | None:
        """
        The incident, once it exists.
        """
    @property
    def instance_id(self, /) -> str | None:
        """
        The instance that holds the incident.
        """
    @property
    def status(self, /) -> DeliveryStatus:
        """
        Where it stands.
        """
    @property
    def updated_at(self, /) -> datetime:
        """
        When the delivery last changed.
        """

@final
class DeliveryLag:
    """
    How many deliveries stand where. Kept as they move: as cheap with a million as with one. What was removed because its
    time was over is not counted.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def dead(self, /) -> int:
        """
        Dead letters.
        """
    @property
    def delivered(self, /) -> int:
        """
        Delivered.
        """
    @property
    def grouped(self, /) -> int:
        """
        Counted in the incident of another alert.
        """
    @property
    def ignored(self, /) -> int:
        """
        Nothing is to be made of them.
        """
    @property
    def lanes(self, /) -> list[LaneLag]:
        """
        The same, by account and instance.
        """
    @property
    def oldest_age_ms(self, /) -> int | None:
        """
        Age of the oldest that is pending or unknown, in milliseconds; none when there is none.
        """
    @property
    def pending(self, /) -> int:
        """
        Accepted, and to be sent.
        """
    @property
    def unknown(self, /) -> int:
        """
        Sent, with an outcome that is not known yet.
        """

@final
class DeliveryPage:
    """
    One page of deliveries, oldest first.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def items(self, /) -> list[Delivery]:
        """
        The deliveries of this page.
        """
    @property
    def next(self, /) -> str | None:
        """
        Give it to the next call to go on; none on the last page.
        """

@final
class DeliveryStatus:
    """
    Where a delivery stands.
    """
    DEAD: Final[DeliveryStatus]
    """
    It cannot be delivered; see the failure. It can be replayed.
    """
    DELIVERED: Final[DeliveryStatus]
    """
    The incident exists.
    """
    GROUPED: Final[DeliveryStatus]
    """
    It is counted in the incident of another alert of the same cause.
    """
    IGNORED: Final[DeliveryStatus]
    """
    Nothing is to be made of it: a policy says so, or its end came before anything else.
    """
    PENDING: Final[DeliveryStatus]
    """
    Accepted and durable; not sent yet, or to be sent again.
    """
    UNKNOWN: Final[DeliveryStatus]
    """
    An attempt was begun whose outcome is not known yet.
    """
    def __eq__(self, other: object, /) -> bool:
        """
        Its word is as good.
        """
    def __hash__(self, /) -> int: ...
    def __int__(self, /) -> int: ...
    def __repr__(self, /) -> str: ...
    def __str__(self, /) -> str: ...
    @property
    def value(self, /) -> str:
        """
        The stable word, the same in every language.
        """

@final
class Entitlement:
    """
    What an account may use, and whether the adapter may be managed for it.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def can_manage(self, /) -> bool:
        """
        True when the Manage rule is met.
        """
    @property
    def checked_at(self, /) -> datetime:
        """
        When the account was asked.
        """
    @property
    def edition(self, /) -> str | None:
        """
        The best product edition among the account's sites; none when no site told.
        """
    @property
    def reason(self, /) -> str:
        """
        Why, in one sentence.
        """
    @property
    def services(self, /) -> list[ServiceEntitlement]:
        """
        The services that matter here: `itsm` and `xendesktop`.
        """

@final
class EntitlementGroup:
    """
    What a service state means for using the service.
    """
    NOT_ENTITLED: Final[EntitlementGroup]
    """
    The service cannot be used.
    """
    NOT_PROVISIONED: Final[EntitlementGroup]
    """
    The service was granted and is not set up yet.
    """
    PROVISIONED: Final[EntitlementGroup]
    """
    The service can be used.
    """
    def __eq__(self, other: object, /) -> bool:
        """
        Its word is as good.
        """
    def __hash__(self, /) -> int: ...
    def __int__(self, /) -> int: ...
    def __repr__(self, /) -> str: ...
    def __str__(self, /) -> str: ...
    @property
    def value(self, /) -> str:
        """
        The stable word, the same in every language.
        """

@final
class Environment:
    """
    The cloud, and within the commercial cloud the home region, that an account lives in. An account
    chooses it once and cannot change it. (Citrix Cloud, "Geographical considerations".)
    """
    ASIA_PACIFIC_SOUTH: Final[Environment]
    """
    Commercial cloud, Asia Pacific South.
    """
    EU: Final[Environment]
    """
    Commercial cloud, European Union.
    """
    JAPAN: Final[Environment]
    """
    Citrix Cloud Japan, a cloud of its own.
    """
    US: Final[Environment]
    """
    Commercial cloud, United States.
    """
    US_GOVERNMENT: Final[Environment]
    """
    Citrix Cloud Government (US), a cloud of its own.
    """
    def __eq__(self, other: object, /) -> bool:
        """
        Its word is as good.
        """
    def __hash__(self, /) -> int: ...
    def __int__(self, /) -> int: ...
    def __repr__(self, /) -> str: ...
    def __str__(self, /) -> str: ...
    @property
    def value(self, /) -> str:
        """
        The stable word, the same in every language.
        """

@final
class ErrorInfo:
    """
    Everything an error says, as plain data: what crosses into other languages.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def attempts(self, /) -> int:
        """
        How many times the failing request was sent; 0 when none was.
        """
    @property
    def context(self, /) -> dict[str, str]:
        """
        Names and values that help to understand the failure, such as `status` or `held_by`.
        """
    @property
    def kind(self, /) -> ErrorKind:
        """
        The stable kind.
        """
    @property
    def message(self, /) -> str:
        """
        What happened, in one sentence, without secrets.
        """
    @property
    def operation(self, /) -> str:
        """
        The operation that failed, such as `connections.connect`; empty when none was under way.
        """
    @property
    def remedy(self, /) -> str:
        """
        What to do about it, in one sentence.
        """
    @property
    def retry_after_ms(self, /) -> int | None:
        """
        How long to wait before repeating it, in milliseconds, when that is known.
        """
    @property
    def retryable(self, /) -> bool:
        """
        Whether the same call may be repeated.
        """
    @property
    def transaction_id(self, /) -> str | None:
        """
        The remote's transaction id when it gave one, else the id this library sent.
        """

@final
class ErrorKind:
    """
    What a caller should do about a failure. The words are stable and the same in every language.
    """
    ALREADY_REGISTERED: Final[ErrorKind]
    """
    The account is already registered, with the instance named in the error. Unregister that one first.
    """
    CANCELLED: Final[ErrorKind]
    """
    The caller cancelled the operation.
    """
    CONSENT_DENIED: Final[ErrorKind]
    """
    The person pressed Deny in the browser. Ask again when they are ready.
    """
    FLOW_EXPIRED: Final[ErrorKind]
    """
    The pending authorization is too old, already used, or not known. Begin a new one.
    """
    FORBIDDEN: Final[ErrorKind]
    """
    The credentials are good but a role or scope is missing. Grant what the error names.
    """
    ILLEGAL_STATE: Final[ErrorKind]
    """
    The operation does not fit the present status. Read the status and choose another operation.
    """
    INTERNAL: Final[ErrorKind]
    """
    A defect of this library. Report it; the state is unchanged.
    """
    INVALID_INPUT: Final[ErrorKind]
    """
    An argument is wrong. Correct it; nothing was sent or changed.
    """
    NOT_ENTITLED: Final[ErrorKind]
    """
    The Citrix Cloud account has no subscription that includes the ITSM Adapter. Talk to Citrix.
    """
    NOT_FOUND: Final[ErrorKind]
    """
    The account, instance, connection or record does not exist. Check the id.
    """
    OUTCOME_UNKNOWN: Final[ErrorKind]
    """
    A write may or may not have happened, and reading back was impossible. Look before repeating it.
    """
    PREREQUISITE_MISSING: Final[ErrorKind]
    """
    Something must be installed or switched on first. Do what the remedy says.
    """
    PROTOCOL: Final[ErrorKind]
    """
    The remote gave an answer that makes no sense. Report it with the transaction id.
    """
    SEALED: Final[ErrorKind]
    """
    A sealed secret cannot be opened: the key is wrong or missing. Provide the right key.
    """
    STORE: Final[ErrorKind]
    """
    The adapter's own store failed. Check the disk, the file or the database.
    """
    THROTTLED: Final[ErrorKind]
    """
    The remote limits the rate. Wait as long as the error says.
    """
    TIMEOUT: Final[ErrorKind]
    """
    No answer came within the time allowed. Try again or allow more time.
    """
    UNAUTHORIZED: Final[ErrorKind]
    """
    Credentials were refused. Re-authenticate with new ones.
    """
    UNAVAILABLE: Final[ErrorKind]
    """
    The remote, or the way to it, is down for now. Try again later.
    """
    def __eq__(self, other: object, /) -> bool:
        """
        Its word is as good.
        """
    def __hash__(self, /) -> int: ...
    def __int__(self, /) -> int: ...
    def __repr__(self, /) -> str: ...
    def __str__(self, /) -> str: ...
    @property
    def value(self, /) -> str:
        """
        The stable word, the same in every language.
        """

@final
class Event:
    """
    One entry of the event log. It never holds a secret.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def at(self, /) -> datetime:
        """
        When it happened.
        """
    @property
    def customer_id(self, /) -> str | None:
        """
        The account concerned.
        """
    @property
    def detail(self, /) -> dict[str, str]:
        """
        Names and values that belong to it.
        """
    @property
    def instance_id(self, /) -> str | None:
        """
        The instance concerned.
        """
    @property
    def kind(self, /) -> EventKind:
        """
        What happened.
        """
    @property
    def message(self, /) -> str:
        """
        For people, in one sentence.
        """
    @property
    def sequence(self, /) -> int:
        """
        Position in the log, growing; 0 for events that are told to observers only.
        """

@final
class EventKind:
    """
    What happened.
    """
    ACCOUNT_ADDED: Final[EventKind]
    """
    An account was added.
    """
    ACCOUNT_REMOVED: Final[EventKind]
    """
    An account was removed.
    """
    ACCOUNT_UPDATED: Final[EventKind]
    """
    An account's data or secure client changed.
    """
    CONNECTED: Final[EventKind]
    """
    A connection was made, or its secure client replaced.
    """
    DELIVERY_ACCEPTED: Final[EventKind]
    """
    An alert was taken.
    """
    DELIVERY_DONE: Final[EventKind]
    """
    An alert became an incident.
    """
    DELIVERY_DUPLICATED: Final[EventKind]
    """
    An alert has more than one incident; the others are linked to the oldest.
    """
    DELIVERY_FAILED: Final[EventKind]
    """
    An alert could not be delivered and waits in the dead-letter list.
    """
    DELIVERY_UPDATED: Final[EventKind]
    """
    An incident was noted, resolved, opened again, or left to the person who changed it.
    """
    DISCONNECTED: Final[EventKind]
    """
    A connection was removed.
    """
    FORGOTTEN: Final[EventKind]
    """
    Deliveries or events were removed because their time was over; the detail says how many, and from before when.
    """
    GRANT_EXPIRING: Final[EventKind]
    """
    A person's consent ends soon: ask for it again before it does. Told once at each of the configured distances.
    """
    HEALTH_CHANGED: Final[EventKind]
    """
    An instance's health changed.
    """
    LOOK_UP_BROKEN: Final[EventKind]
    """
    A probe found that an instance's look-ups cannot be relied on; nothing is inserted there for the account until a
    probe finds that they work.
    """
    PROGRESS: Final[EventKind]
    """
    The adapter waits for something slow, such as a frozen site waking up.
    """
    REAUTHENTICATED: Final[EventKind]
    """
    A registration's credentials were replaced.
    """
    REGISTERED: Final[EventKind]
    """
    A registration was saved.
    """
    REVOCATION_FAILED: Final[EventKind]
    """
    Tokens could not be revoked; the adapter tries again at the next check.
    """
    STORE_WARNING: Final[EventKind]
    """
    Something to know about the store or its key.
    """
    UNAUTHORIZED: Final[EventKind]
    """
    The instance refused the grant, with proof.
    """
    UNREGISTERED: Final[EventKind]
    """
    A registration was ended.
    """
    def __eq__(self, other: object, /) -> bool:
        """
        Its word is as good.
        """
    def __hash__(self, /) -> int: ...
    def __int__(self, /) -> int: ...
    def __repr__(self, /) -> str: ...
    def __str__(self, /) -> str: ...
    @property
    def value(self, /) -> str:
        """
        The stable word, the same in every language.
        """

@final
class EventPage:
    """
    One page of the event log, oldest first.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def items(self, /) -> list[Event]:
        """
        The events of this page.
        """
    @property
    def next(self, /) -> str | None:
        """
        Give it to the next call to go on; none on the last page.
        """

@final
class Events:
    """
    The event log.
    """
    def iterate(self, /, *, customer_id: str | None = None, limit: SupportsIndex | None = None) -> Iterator[Event]:
        """
        Walks over the event log, of one account or of all, `limit` events per page.
        """
    def list(self, /, *, customer_id: str | None = None, after: str | None = None, limit: SupportsIndex | None = None) -> EventPage:
        """
        A page of events, oldest first, of one account or of all. `after` is the `next` of the page before, `limit`
        1 to 1000 (100).

        Raises InvalidInputError, StoreError.
        """

@final
class Grant:
    """
    The grant of a registration, without its secrets.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def days_left(self, /) -> int | None:
        """
        Whole days until then, as of this answer; 0 on the last day, negative after it.
        """
    @property
    def expires_at(self, /) -> datetime | None:
        """
        When the refresh token ends, whatever is done with it; without one, a consent ends with its access token.
        """
    @property
    def granted_at(self, /) -> datetime:
        """
        When the grant was given.
        """
    @property
    def kind(self, /) -> GrantKind:
        """
        Service account or user account.
        """
    @property
    def user_name(self, /) -> str:
        """
        Who acts: the user name that the instance answered, else the one given.
        """
    @property
    def user_sys_id(self, /) -> str | None:
        """
        The user's record id in the instance, when it told.
        """
    @property
    def warned_days(self, /) -> int | None:
        """
        The nearest of the configured distances to that end, in days, that was warned of by an event.
        """

@final
class GrantKind:
    """
    How the adapter may act in the instance.
    """
    SERVICE_ACCOUNT: Final[GrantKind]
    """
    User id and password of an account made for the adapter. Renews itself.
    """
    USER_ACCOUNT: Final[GrantKind]
    """
    Consent of a person in the browser. Ends at the refresh token's fixed wall.
    """
    def __eq__(self, other: object, /) -> bool:
        """
        Its word is as good.
        """
    def __hash__(self, /) -> int: ...
    def __int__(self, /) -> int: ...
    def __repr__(self, /) -> str: ...
    def __str__(self, /) -> str: ...
    @property
    def value(self, /) -> str:
        """
        The stable word, the same in every language.
        """

@final
class Incident:
    """
    A ServiceNow incident as the instance shows it.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def correlation_id(self, /) -> str:
        """
        The delivery's key.
        """
    @property
    def number(self, /) -> str:
        """
        The number people use, such as `INC0010001`.
        """
    @property
    def priority(self, /) -> str:
        """
        As the instance computed it from impact and urgency, such as `3`.
        """
    @property
    def short_description(self, /) -> str:
        """
        One line.
        """
    @property
    def state(self, /) -> str:
        """
        State value, such as `1` (New).
        """
    @property
    def sys_created_by(self, /) -> str:
        """
        User name of who created it: the service account.
        """
    @property
    def sys_id(self, /) -> str:
        """
        Record id, 32 hexadecimal digits.
        """

@final
class Instance:
    """
    A ServiceNow instance.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def connector_version(self, /) -> str | None:
        """
        Version of the Citrix IT Service Management Connector; none when it could not be read.
        """
    @property
    def created_at(self, /) -> datetime:
        """
        When the adapter first heard of it.
        """
    @property
    def health(self, /) -> InstanceHealth:
        """
        How it answered last.
        """
    @property
    def health_at(self, /) -> datetime | None:
        """
        When it answered last, or failed to.
        """
    @property
    def health_detail(self, /) -> str | None:
        """
        What was seen, in one sentence; none while it is healthy or unknown.
        """
    @property
    def id(self, /) -> str:
        """
        The normalised origin.
        """
    @property
    def name(self, /) -> str | None:
        """
        A name for people.
        """
    @property
    def updated_at(self, /) -> datetime:
        """
        When it last changed.
        """

@final
class InstanceHealth:
    """
    How an instance answered last. Health is not status: a registered instance that is down stays registered.
    """
    AVAILABLE: Final[InstanceHealth]
    """
    It answered as it should.
    """
    HIBERNATING: Final[InstanceHealth]
    """
    It is a developer instance that sleeps; someone must sign in to wake it.
    """
    THROTTLED: Final[InstanceHealth]
    """
    It answered, and limits the rate.
    """
    UNAVAILABLE: Final[InstanceHealth]
    """
    It did not answer, or answered with an error of its own.
    """
    UNEXPECTED: Final[InstanceHealth]
    """
    It answered with something that is not the API, such as a login or maintenance page.
    """
    UNKNOWN: Final[InstanceHealth]
    """
    Nobody has asked yet.
    """
    def __eq__(self, other: object, /) -> bool:
        """
        Its word is as good.
        """
    def __hash__(self, /) -> int: ...
    def __int__(self, /) -> int: ...
    def __repr__(self, /) -> str: ...
    def __str__(self, /) -> str: ...
    @property
    def value(self, /) -> str:
        """
        The stable word, the same in every language.
        """

@final
class InstancePage:
    """
    One page of instances, in the order of their ids.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def items(self, /) -> list[Instance]:
        """
        The instances of this page.
        """
    @property
    def next(self, /) -> str | None:
        """
        Give it to the next call to go on; none on the last page.
        """

@final
class Instances:
    """
    ServiceNow instances as the adapter knows them.
    """
    def get(self, /, instance_url: str) -> Instance:
        """
        One instance, by its address.

        Raises NotFoundError when no connection was ever made with it, InvalidInputError, StoreError.
        """
    def iterate(self, /, *, limit: SupportsIndex | None = None) -> Iterator[Instance]:
        """
        Walks over all instances, `limit` of them per page.
        """
    def list(self, /, *, after: str | None = None, limit: SupportsIndex | None = None) -> InstancePage:
        """
        A page of instances in the order of their ids; `after` is the `next` of the page before, `limit` 1 to 1000
        (100).

        Raises InvalidInputError, StoreError.
        """

@final
class LaneLag:
    """
    How many deliveries of one account stand where, by the instance that was asked last.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def customer_id(self, /) -> str:
        """
        The account.
        """
    @property
    def dead(self, /) -> int:
        """
        Dead letters.
        """
    @property
    def delivered(self, /) -> int:
        """
        Delivered.
        """
    @property
    def grouped(self, /) -> int:
        """
        Counted in the incident of another alert.
        """
    @property
    def ignored(self, /) -> int:
        """
        Nothing is to be made of them.
        """
    @property
    def instance_id(self, /) -> str | None:
        """
        The instance; none before the first attempt.
        """
    @property
    def pending(self, /) -> int:
        """
        Accepted, and to be sent.
        """
    @property
    def unknown(self, /) -> int:
        """
        Sent, with an outcome that is not known yet.
        """

@final
class LookUp:
    """
    Whether an instance finds records again by a key, and finds nothing by another one.
    """
    BROKEN: Final[LookUp]
    """
    It does not find what is there, finds what is not, or refuses the question. Nothing is inserted there for this
    account until a probe finds that it works: after a lost answer, nobody could tell whether the incident exists.
    """
    WORKS: Final[LookUp]
    """
    It finds the record with the key, and nothing with a key that no record has.
    """
    def __eq__(self, other: object, /) -> bool:
        """
        Its word is as good.
        """
    def __hash__(self, /) -> int: ...
    def __int__(self, /) -> int: ...
    def __repr__(self, /) -> str: ...
    def __str__(self, /) -> str: ...
    @property
    def value(self, /) -> str:
        """
        The stable word, the same in every language.
        """

@final
class OauthEndpoint:
    """
    The OAuth client that the instance issued for one account, without its secret.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def client_id(self, /) -> str:
        """
        The client id.
        """
    @property
    def redirect_url(self, /) -> str | None:
        """
        The redirect URL entered there; none for an endpoint that serves a service account only.
        """

@final
class Operator:
    """
    How a column is compared with a value.
    """
    EQUALS: Final[Operator]
    """
    The column holds exactly the value. Allowed wherever the column may be read.
    """
    GREATER: Final[Operator]
    """
    The column is greater, as text or number as it has it. Instances may forbid it.
    """
    NOT_EQUALS: Final[Operator]
    """
    The column holds something else.
    """
    ONE_OF: Final[Operator]
    """
    The column holds one of the values, separated by commas.
    """
    STARTS_WITH: Final[Operator]
    """
    The column begins with the value. Instances may forbid it.
    """
    def __eq__(self, other: object, /) -> bool:
        """
        Its word is as good.
        """
    def __hash__(self, /) -> int: ...
    def __int__(self, /) -> int: ...
    def __repr__(self, /) -> str: ...
    def __str__(self, /) -> str: ...
    @property
    def value(self, /) -> str:
        """
        The stable word, the same in every language.
        """

@final
class Policies:
    """
    What becomes of the alerts of an account.
    """
    def explain(self, /, alert: Alert | AlertFields, *, at: datetime | None = None, document: dict[str, Any] | str | None = None) -> PolicyDecision:
        """
        Says what would be done with an alert (an `Alert`, or a dict of the arguments of `submit`) at an instant (now),
        and why, rule by rule; does nothing. With a `document`, that policy is asked instead of the account's: to try
        it before it is set.

        Raises InvalidInputError for a document that cannot be used, StoreError.
        """
    def get(self, /, customer_id: str) -> AccountPolicy:
        """
        The policy of an account; its `document` is JSON text.

        Raises NotFoundError when it has none: its alerts all become incidents then; InvalidInputError, StoreError.
        """
    def remove(self, /, customer_id: str) -> None:
        """
        Removes the policy of an account: from then on all its alerts become incidents.

        Raises NotFoundError when it has none; InvalidInputError, StoreError.
        """
    def set(self, /, customer_id: str, document: dict[str, Any] | str) -> AccountPolicy:
        """
        Sets the policy of an account, in place of the one it had: a dict, or JSON text. All of it is checked before it
        is stored, its templates and time zones included.

        Raises InvalidInputError with the place of the mistake; NotFoundError when the account was not added;
        StoreError.
        """

@final
class PolicyAction:
    """
    What a policy does with an alert at an instant.
    """
    HOLD: Final[PolicyAction]
    """
    It waits for the end of a maintenance window, and is then decided again.
    """
    IGNORE: Final[PolicyAction]
    """
    Nothing is made of it.
    """
    INCIDENT: Final[PolicyAction]
    """
    It becomes an incident.
    """
    def __eq__(self, other: object, /) -> bool:
        """
        Its word is as good.
        """
    def __hash__(self, /) -> int: ...
    def __int__(self, /) -> int: ...
    def __repr__(self, /) -> str: ...
    def __str__(self, /) -> str: ...
    @property
    def value(self, /) -> str:
        """
        The stable word, the same in every language.
        """

@final
class PolicyDecision:
    """
    What a policy would do with an alert, and why. Nothing is done.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def action(self, /) -> PolicyAction:
        """
        What would be done.
        """
    @property
    def assignment_group(self, /) -> str | None:
        """
        Who would work on it.
        """
    @property
    def caller(self, /) -> str | None:
        """
        For whom it would be.
        """
    @property
    def category(self, /) -> str | None:
        """
        The incident's category.
        """
    @property
    def description(self, /) -> str | None:
        """
        The long text that the policy makes; none: the alert's description.
        """
    @property
    def group_children(self, /) -> bool | None:
        """
        Whether the alert has an incident of its own below the group's.
        """
    @property
    def group_key(self, /) -> str | None:
        """
        Names the group that the alert belongs to: alerts with the same key have the same cause.
        """
    @property
    def group_window_s(self, /) -> int | None:
        """
        How long the group takes in others, in seconds.
        """
    @property
    def hold_until(self, /) -> datetime | None:
        """
        Until when it would wait.
        """
    @property
    def impact(self, /) -> int:
        """
        Impact, 1 to 3.
        """
    @property
    def note_interval_s(self, /) -> int:
        """
        Shortest time between two work notes, in seconds.
        """
    @property
    def reason(self, /) -> str:
        """
        Why, in one sentence.
        """
    @property
    def reopen(self, /) -> bool:
        """
        Whether a resolved incident is opened again; else a new one is made.
        """
    @property
    def resolve_on_end(self, /) -> bool:
        """
        Whether the end of the alert resolves the incident.
        """
    @property
    def rule(self, /) -> str | None:
        """
        The rule that decides; none when no rule fits.
        """
    @property
    def short_description(self, /) -> str | None:
        """
        The one-line text that the policy makes; none: the alert's title.
        """
    @property
    def steps(self, /) -> list[PolicyStep]:
        """
        Everything that was looked at, in its order.
        """
    @property
    def urgency(self, /) -> int:
        """
        Urgency, 1 to 3.
        """
    @property
    def work_note(self, /) -> str | None:
        """
        The text of a work note that the policy makes.
        """

@final
class PolicyStep:
    """
    One line of the reasons for a decision.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def matched(self, /) -> bool:
        """
        Whether it fits the alert.
        """
    @property
    def name(self, /) -> str:
        """
        Name of the rule or of the maintenance window that was looked at.
        """
    @property
    def reason(self, /) -> str:
        """
        Why, in one sentence.
        """

@final
class ProbeReport:
    """
    What a probe learned about an instance, as the grant of one account sees it. It is kept with the registration, and
    forgotten when another user acts for it.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def chosen_sys_id(self, /) -> ChosenSysId:
        """
        What becomes of a record id that the adapter chose.
        """
    @property
    def chosen_sys_id_seen(self, /) -> str:
        """
        What was seen of that, in one sentence.
        """
    @property
    def closed_seen(self, /) -> str:
        """
        How it was closed, or why not, in one sentence.
        """
    @property
    def customer_id(self, /) -> str:
        """
        The account.
        """
    @property
    def incident_number(self, /) -> str:
        """
        Number of the incident that was made for the probe.
        """
    @property
    def incident_sys_id(self, /) -> str:
        """
        Record id of that incident.
        """
    @property
    def instance_id(self, /) -> str:
        """
        The instance.
        """
    @property
    def is_closed(self, /) -> bool:
        """
        Whether all that was made for the probe is cancelled or resolved again. If not, somebody has to do it.
        """
    @property
    def look_up(self, /) -> LookUp:
        """
        Whether look-ups can be relied on.
        """
    @property
    def look_up_seen(self, /) -> str:
        """
        What was seen of that, in one sentence.
        """
    @property
    def probed_at(self, /) -> datetime:
        """
        When it was probed.
        """

@final
class RecordPage:
    """
    One page of a walk over records.
    """
    def __repr__(self, /) -> str: ...
    @property
    def items(self, /) -> list[dict[str, str]]:
        """
        The records of this page, parsed when first asked for.
        """
    @property
    def json(self, /) -> str:
        """
        The page as JSON text, as the instance sent it.
        """
    @property
    def next(self, /) -> str | None:
        """
        Give it to the next call as `after`; only the last page, an empty one, has none.
        """

@final
class Records:
    """
    Records of the instance that an account is registered with (Table API). A record is a dict of column names and
    texts. A query is a list of conditions (column, operator, value) that must all be met; `fields` are the columns
    wanted, all when left out.
    """
    def get(self, /, customer_id: str, table: str, sys_id: str, *, fields: Sequence[str] | None = None) -> dict[str, str]:
        """
        One record.

        Raises NotFoundError when there is none or it is hidden, IllegalStateError when the account is not registered,
        UnauthorizedError, ForbiddenError, ThrottledError, UnavailableError, TimeoutError, ProtocolError,
        InvalidInputError.
        """
    def insert(self, /, customer_id: str, table: str, record: dict[str, Any] | str, *, fields: Sequence[str] | None = None) -> dict[str, str]:
        """
        Makes a record and gives it back as stored. When the outcome of the request is unknown, it is not sent again:
        look the record up by a key of yours.

        Raises OutcomeUnknownError when the record may or may not exist; else what `get` raises, and nothing was made.
        """
    def insert_many(self, /, customer_id: str, table: str, records: list[dict[str, Any]] | str, *, fields: Sequence[str] | None = None, in_flight: SupportsIndex | None = None) -> list[dict[str, str] | ItsmError]:
        """
        Makes many records, at most `in_flight` (1 to 1000; 64) at a time, and tells of each, in the order given, how it
        went: the record, or the exception, which is not raised. One that fails does not stop the others.

        Raises InvalidInputError, IllegalStateError when the account is not registered.
        """
    def page(self, /, customer_id: str, table: str, query: Sequence[tuple[str, Operator | str, str]] | None = None, *, fields: Sequence[str] | None = None, size: SupportsIndex | None = None, after: str | None = None) -> RecordPage:
        """
        One page of a walk over all records that match, in the order of `sys_id`: stable, and in constant memory.
        `after` is the `next` of the page before, `size` 1 to 10,000 (1000). A column `sys_id` is always asked for.

        Raises what `get` raises.
        """
    def pages(self, /, customer_id: str, table: str, query: Sequence[tuple[str, Operator | str, str]] | None = None, *, fields: Sequence[str] | None = None, size: SupportsIndex | None = None) -> Iterator[RecordPage]:
        """
        Walks over all records that match, page by page; see `page`. The next page is on its way while one is read.
        """
    def query(self, /, customer_id: str, table: str, query: Sequence[tuple[str, Operator | str, str]] | None = None, *, fields: Sequence[str] | None = None, limit: SupportsIndex | None = None) -> list[dict[str, str]]:
        """
        Records that match the query, at most `limit` of them, 1 to 10,000 (100). No records can also mean no right to
        read them.

        Raises what `get` raises.
        """
    def update(self, /, customer_id: str, table: str, sys_id: str, record: dict[str, Any] | str, *, fields: Sequence[str] | None = None) -> dict[str, str]:
        """
        Changes the columns given and gives the record back.

        Raises what `insert` raises. Repeating an update whose outcome is unknown is safe, unless it writes a journal
        column such as `work_notes`.
        """

@final
class Registrations:
    """
    Registrations: the OAuth side of a connection.
    """
    def abandon(self, /, flow_id: str) -> None:
        """
        Gives an authorization up: a later callback of it is refused. Without effect when it has ended.

        Raises NotFoundError for a flow that nobody began, StoreError.
        """
    def authorize(self, /, customer_id: str, instance_url: str, *, client_id: str | None = None, client_secret: str | None = None, redirect_url: str | None = None, instance_name: str | None = None, moves_from: str | None = None, allow_another_user: bool = False, session: str | None = None) -> Authorization:
        """
        Begins to register the account through a person's consent in the browser, or to re-authenticate such a
        registration: send the person's browser to `authorization_url`, and give the address that it comes back to
        to `complete`, within ten minutes, in any process that shares the store. Nothing is sent to anybody.

        - client_id, client_secret: of the OAuth endpoint; left out: those in use.
        - redirect_url: as it is entered at that endpoint, used by no other registration; left out: the one in use.
        - session: what ties the flow to the browser that began it, such as a random value in a cookie of its own.
          Give the same one to `complete`.
        - moves_from: the instance's old address, when a registration moves to a new one; it ends there then.
        - allow_another_user: whether another person than the last time may sign in.

        Raises InvalidInputError for what is missing or not allowed, also for a redirect URL that another
        registration uses; NotFoundError without the account; AlreadyRegisteredError naming the instance that holds
        it; StoreError, SealedError.
        """
    def authorize_in_browser(self, /, customer_id: str, instance_url: str, *, client_id: str | None = None, client_secret: str | None = None, redirect_url: str | None = None, instance_name: str | None = None, moves_from: str | None = None, allow_another_user: bool = False, timeout_ms: SupportsIndex | None = None) -> Authorized:
        """
        Registers the account through a person's consent, on this machine: opens the system's browser, listens on
        loopback for its return, shows it a page that says what happened, and ends. `timeout_ms` is how long the
        person may take (600,000, and no more). Cancel the call to give it up.

        Raises what `authorize` and `complete` raise; TimeoutError when nobody came back; UnavailableError when the
        port is taken or there is no browser: use `listen` or `authorize` then.
        """
    def check(self, /, customer_id: str, instance_url: str) -> Connection:
        """
        Checks a registration: token fresh, API readable, roles still there. Updates the instance's health and, with
        proof only, the status. What goes wrong at the instance stands in the connection.

        Raises NotFoundError, IllegalStateError without a registration, InvalidInputError, StoreError, SealedError.
        """
    def check_all(self, /, *, customer_id: str | None = None, concurrency: SupportsIndex | None = None) -> CheckSummary:
        """
        Checks every registration, of one account or of all, as `check` does, `concurrency` of them at the same time
        (1 to 256; 16), and tells the progress by events of kind `progress`. What is wrong with one registration stands
        in the summary and does not stop the others.

        Raises InvalidInputError, StoreError, SealedError.
        """
    def complete(self, /, callback_url: str, *, session: str | None = None) -> Authorized:
        """
        Finishes an authorization with the address that the browser came back to: exchange, connection test, save. It
        goes on to its end when the caller goes away.

        Raises ConsentDeniedError when the person did not allow it; FlowExpiredError for a callback that is too late,
        repeated, forged, or from another session (context `reason`); InvalidInputError for one that is not ours;
        IllegalStateError when another person signed in than the last time; UnauthorizedError when the code is refused;
        else as `register`. Nothing has changed then; an earlier grant goes on working.
        """
    def listen(self, /, customer_id: str, instance_url: str, *, client_id: str | None = None, client_secret: str | None = None, redirect_url: str | None = None, instance_name: str | None = None, moves_from: str | None = None, allow_another_user: bool = False) -> Authorization:
        """
        Begins an authorization as `authorize` does, with a listener on loopback in this process: open the address
        in any browser of this machine, and wait with `wait_for`. The host of `redirect_url` is 127.0.0.1 or [::1];
        left out, a free port is taken.

        Raises what `authorize` raises; UnavailableError when the port of the redirect URL is taken.
        """
    def probe(self, /, customer_id: str) -> ProbeReport:
        """
        Finds out what the instance that the account is registered with does with records, with an incident of the
        adapter's own that is cancelled at once: whether look-ups by key can be relied on, and whether a record id that
        the adapter chose is honoured. What was learned is kept, and minded by every delivery from then on. With the
        option `probe` this is done whenever a registration is saved, and daily by a worker.

        Raises NotFoundError; IllegalStateError when the account is not registered; what the instance refuses or fails
        with, with `left_open` in its context when something that was made could not be closed; StoreError.
        """
    def reauthenticate(self, /, customer_id: str, instance_url: str, *, client_id: str | None = None, client_secret: str | None = None, user_name: str | None = None, password: str | None = None) -> Connection:
        """
        Gives a registration new credentials, or the same ones again. What is left out stays as it is.

        Raises IllegalStateError without a registration, InvalidInputError when the password of a user account is
        missing; else as `register`. The grant in use goes on working then.
        """
    def register(self, /, customer_id: str, instance_url: str, *, client_id: str, client_secret: str, user_name: str, password: str, instance_name: str | None = None) -> Connection:
        """
        Registers the account with the instance through a service account: password grant, connection test, save.
        A connection is made first when there is none. On a registration that exists it replaces the grant.

        Raises AlreadyRegisteredError naming the instance that holds the account; UnauthorizedError when the token
        endpoint refuses (it does not say what is wrong); ForbiddenError naming the role or scope;
        PrerequisiteMissingError; NotFoundError, NotEntitledError, InvalidInputError, ThrottledError,
        UnavailableError, TimeoutError, ProtocolError, StoreError. Nothing has changed then; an earlier grant goes
        on working.
        """
    def relocate(self, /, customer_id: str, instance_url: str, *, client_id: str, client_secret: str, user_name: str, password: str, instance_name: str | None = None, from_instance_url: str) -> Connection:
        """
        Moves a registration to the new address of its instance, with a service account there. It ends at
        `from_instance_url` in the same step that saves it at `instance_url`; until then the old one goes on
        working.

        Raises what `register` raises; IllegalStateError without a registration at the old address;
        InvalidInputError when both are the same.
        """
    def test(self, /, customer_id: str, instance_url: str, *, client_id: str, client_secret: str, user_name: str, password: str, instance_name: str | None = None) -> TestReport:
        """
        Does all that `register` does with the instance, but saves nothing. What the checks find stands in the
        report.

        Raises InvalidInputError, NotFoundError, and everything that the token endpoint refuses or fails with.
        """
    def unregister(self, /, customer_id: str, instance_url: str) -> Revocation:
        """
        Ends a registration: forgets grant and endpoint secret, revokes the tokens, keeps the connection. A failed
        revocation is not an error: it stands in the answer, and the adapter tries again at the next check.

        Raises IllegalStateError without a registration, NotFoundError, InvalidInputError, StoreError.
        """
    def update_endpoint_secret(self, /, customer_id: str, instance_url: str, *, client_secret: str) -> Connection:
        """
        Gives a registration the new secret of its OAuth endpoint, without anybody signing in again. The old one is
        forgotten only when the new one has worked. It also brings a registration back that became `unauthorized`
        because the secret had changed.

        Raises UnauthorizedError when the token endpoint refuses it; IllegalStateError without a registration;
        InvalidInputError, NotFoundError, ThrottledError, UnavailableError, TimeoutError, ProtocolError, StoreError,
        SealedError. The old secret stays then.
        """
    def wait_for(self, /, flow_id: str, *, timeout_ms: SupportsIndex | None = None) -> Authorized:
        """
        Waits for what a listener hears, `timeout_ms` at the most (as long as the flow lives). When it is over, or the
        call is cancelled, the listener ends and the flow is given up; a callback that came before is finished.

        Raises what `complete` raises; TimeoutError when nobody came back; NotFoundError when no listener of this client
        belongs to the flow.
        """

@final
class Revocation:
    """
    What unregistering, or disconnecting, did with the tokens.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def complete(self, /) -> bool:
        """
        True when the instance confirmed that every token is revoked, or there was none.
        """
    @property
    def failure(self, /) -> str | None:
        """
        What went wrong, in one sentence. The adapter tries again at the next check.
        """

@final
class RotationReport:
    """
    What a rotation of the key did.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def forgotten(self, /) -> int:
        """
        Old keys that were forgotten, because nothing needs them.
        """
    @property
    def key_id(self, /) -> str:
        """
        The id of the key that seals from now on.
        """
    @property
    def resealed(self, /) -> int:
        """
        Secrets that were sealed again.
        """

@final
class ServiceEntitlement:
    """
    One line of the answer: a service, its state, and for how long.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def days_to_expiration(self, /) -> int | None:
        """
        Days to the end of the longest licence.
        """
    @property
    def group(self, /) -> EntitlementGroup:
        """
        What the state means.
        """
    @property
    def quantity(self, /) -> int | None:
        """
        How many units (usually users) the subscription holds.
        """
    @property
    def service_name(self, /) -> str:
        """
        The service's name, such as `itsm` or `xendesktop`.
        """
    @property
    def state(self, /) -> ServiceState:
        """
        The state.
        """

@final
class ServiceState:
    """
    State of one service for one account. (Citrix Cloud, "Determine service entitlement status".)
    """
    DEFAULT: Final[ServiceState]
    """
    The state before anything happened.
    """
    EXPIRED: Final[ServiceState]
    """
    The subscription ended.
    """
    NOT_ONBOARDED: Final[ServiceState]
    """
    The account never asked for the service.
    """
    NOT_ONBOARDED_TRIAL_PENDING: Final[ServiceState]
    """
    A trial was granted to an account that is not on board yet.
    """
    PARTNER_PRODUCTION: Final[ServiceState]
    """
    A subscription through a partner is running.
    """
    PARTNER_PRODUCTION_PENDING: Final[ServiceState]
    """
    A subscription through a partner is being set up.
    """
    PRODUCTION: Final[ServiceState]
    """
    A subscription is running.
    """
    PRODUCTION_PENDING: Final[ServiceState]
    """
    A subscription is being set up.
    """
    PRODUCTION_TRIAL: Final[ServiceState]
    """
    A trial is running.
    """
    PRODUCTION_TRIAL_APPROVED: Final[ServiceState]
    """
    A trial was granted and is not set up yet.
    """
    PRODUCTION_TRIAL_DELETED: Final[ServiceState]
    """
    A trial was removed.
    """
    PRODUCTION_TRIAL_DENIED: Final[ServiceState]
    """
    A trial was refused.
    """
    PRODUCTION_TRIAL_PENDING: Final[ServiceState]
    """
    A trial was asked for.
    """
    UNRECOGNIZED: Final[ServiceState]
    """
    A word that this version does not know; it counts as not entitled.
    """
    def __eq__(self, other: object, /) -> bool:
        """
        Its word is as good.
        """
    def __hash__(self, /) -> int: ...
    def __int__(self, /) -> int: ...
    def __repr__(self, /) -> str: ...
    def __str__(self, /) -> str: ...
    @property
    def value(self, /) -> str:
        """
        The stable word, the same in every language.
        """

@final
class Severity:
    """
    How bad an alert is.
    """
    CRITICAL: Final[Severity]
    """
    Something important is broken.
    """
    ERROR: Final[Severity]
    """
    Something is broken.
    """
    INFORMATION: Final[Severity]
    """
    For information.
    """
    SUCCESS: Final[Severity]
    """
    Something went well.
    """
    WARNING: Final[Severity]
    """
    Worth a look.
    """
    def __eq__(self, other: object, /) -> bool:
        """
        Its word is as good.
        """
    def __hash__(self, /) -> int: ...
    def __int__(self, /) -> int: ...
    def __repr__(self, /) -> str: ...
    def __str__(self, /) -> str: ...
    @property
    def value(self, /) -> str:
        """
        The stable word, the same in every language.
        """

@final
class Site:
    """
    A DaaS or on-premises site of an account. (CVAD REST API, `GET /Sites`.)
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def edition(self, /) -> str | None:
        """
        The product edition as the site states it, such as `Premium`; none when it did not say.
        """
    @property
    def id(self, /) -> str:
        """
        The site's id: a virtual site id in the cloud, the farm GUID on premises.
        """
    @property
    def name(self, /) -> str:
        """
        The site's name; the cloud site is usually called `cloudxdsite`.
        """

@final
class Sources:
    """
    Sources that alerts are fetched from.
    """
    def poll(self, /, customer_id: str, source: AlertSource | str, *, since: datetime | None = None) -> SweepReport:
        """
        Looks once for news of a source and submits what is new; call it on a schedule of your own, a minute apart or
        more. What it reads twice is one alert. Only one look at a time is made per account and source, over all
        processes that share the store. `since` says where to begin when the source was never looked at (a day back).
        Do not take the notifications of Citrix Cloud both here and by a webhook: they could become two alerts.

        Raises NotFoundError when the account was not added; UnauthorizedError, ForbiddenError, ThrottledError,
        UnavailableError, TimeoutError, ProtocolError, StoreError. What was submitted until then stays, and the next
        look goes on from there.
        """

@final
class Subscription:
    """
    Events from the moment of subscribing on, until the client is closed.
    """
    def __iter__(self, /) -> Subscription: ...
    def __next__(self, /) -> Event: ...

@final
class SweepReport:
    """
    What one look at a source of alerts brought.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def accepted(self, /) -> int:
        """
        How many of them are alerts that were not known.
        """
    @property
    def changed(self, /) -> int:
        """
        How many tell of a later state of a known alert.
        """
    @property
    def customer_id(self, /) -> str:
        """
        The account.
        """
    @property
    def duplicates(self, /) -> int:
        """
        How many were known as they are, or told of the end of an alert that nobody knew.
        """
    @property
    def looked(self, /) -> bool:
        """
        False when another process is looking at the same source; nothing was read then.
        """
    @property
    def read(self, /) -> int:
        """
        How many records were read.
        """
    @property
    def resumes_at(self, /) -> datetime | None:
        """
        Up to where the source is read: the instant of the last change, or of the sweep.
        """
    @property
    def source(self, /) -> AlertSource:
        """
        The source.
        """
    @property
    def unreadable(self, /) -> int:
        """
        How many could not be alerts, such as records without an id.
        """

@final
class TestReport:
    """
    A whole connection test.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def checks(self, /) -> list[Check]:
        """
        The checks in the order they were made.
        """
    @property
    def passed(self, /) -> bool:
        """
        True when no check failed.
        """
    @property
    def tested_at(self, /) -> datetime:
        """
        When the test ended.
        """

@final
class Webhook:
    """
    A webhook subscription at Citrix Cloud, without its authorization.
    """
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    @property
    def change_type(self, /) -> str:
        """
        Which changes it is for, such as `Create` or `*`.
        """
    @property
    def customer_id(self, /) -> str:
        """
        The account.
        """
    @property
    def description(self, /) -> str:
        """
        A text for people.
        """
    @property
    def event_type(self, /) -> str:
        """
        Which events it is for, such as `Notifications`.
        """
    @property
    def id(self, /) -> str:
        """
        Its id at Citrix Cloud.
        """
    @property
    def url(self, /) -> str:
        """
        Where callbacks are sent.
        """

@final
class Webhooks:
    """
    Webhook subscriptions at Citrix Cloud.
    """
    def create(self, /, customer_id: str, url: str, *, authorization: str | None = None, description: str | None = None, event_type: str | None = None, change_type: str | None = None) -> Webhook:
        """
        Subscribes to events of the account: Citrix Cloud will send them to the URL, which it must reach by `https`.
        Give each callback, with the authorization that you chose, to `alerts.submit_webhook`.

        - authorization: what each callback carries as its `Authorization` header. Without it anybody can send you
          some.
        - description: a text for people (ITSM Adapter).
        - event_type: which events: Notifications (the default), "*", or another of Citrix Cloud's words.
        - change_type: which changes: "*" (the default), Create, Update, Delete.

        Raises NotFoundError when the account was not added; InvalidInputError; OutcomeUnknownError when it may have
        been made and cannot be found; UnauthorizedError, ForbiddenError, ThrottledError, UnavailableError,
        TimeoutError, ProtocolError.
        """
    def list(self, /, customer_id: str) -> Sequence[Webhook]:
        """
        All webhook subscriptions of the account, whoever made them. What callbacks carry as authorization is not told.

        Raises NotFoundError when the account was not added; UnauthorizedError, ForbiddenError, ThrottledError,
        UnavailableError, TimeoutError, ProtocolError.
        """
    def remove(self, /, customer_id: str, webhook_id: str) -> None:
        """
        Ends a subscription. One that is gone already is no failure.

        Raises what `list` raises.
        """

@final
class Worker:
    """
    A worker at work, until it is stopped or its client is closed; it works on when nobody holds it. In a `with` block
    (`async with`) it is stopped at the end of the block.
    """
    def __enter__(self, /) -> Worker: ...
    def __exit__(self, /, _kind: Any, _error: Any, _trace: Any) -> None: ...
    def ended(self, /) -> None:
        """
        Returns when the worker has ended: after `stop`, or when the client was closed.

        Raises what `stop` raises.
        """
    def stop(self, /) -> None:
        """
        Takes nothing more, finishes what is in hand, and returns when that is done: at most the time of one call
        (`total_timeout_ms`). What could not be finished waits for the next worker. Stopping twice is allowed.

        Raises InternalError when the worker ended in a panic; IllegalStateError in a fork of its process.
        """

def egress_ranges(environment: Environment | str) -> list[str]:
    """
    Addresses from which the adapter of Citrix Cloud calls an instance, to be allowed there. Empty where Citrix
    publishes none.
    """

def forward_logs() -> None:
    """
    Forwards log lines down to the level that the logger `itsm_adapter` has now. Every client does so when it is
    opened; call this when you have changed the level since.
    """

/// <reference lib="esnext.disposable" />
/// <reference lib="es2023" />

// Types of the hand-written face; `napi build` puts them at the head of index.d.ts.

/** A text that must not be shown: it goes in and never comes out. */
export type Secret = string

/** What every operation takes beside its request. */
export interface CallOptions {
  /** Aborts the operation: the work is dropped, the promise rejected with an `AbortError`. */
  signal?: AbortSignal
}

/** An alert to take: what is left out is raised just now, without a text and further fields. */
export type SubmitAlert = Omit<Alert, 'description' | 'state' | 'fields'> & Partial<Alert>

/** What an authorization needs. Unless allowed, the person has to be the same as the last time. */
export type AuthorizeRequest = Omit<Authorize, 'allowAnotherUser'> & Partial<Authorize>

/** The same, and how long the person may take. */
export type AuthorizeInBrowserRequest = AuthorizeRequest & Patience

/** A registration at the new address of an instance, and the old address. */
export interface Relocate extends RegisterServiceAccount, Moving {}

/** Why an operation failed. */
export declare class ItsmError extends Error {
  private constructor()
  readonly name: 'ItsmError'
  /** The stable word to act upon, the same in every language. */
  readonly code: ErrorKind
}
export interface ItsmError extends Readonly<Omit<ErrorInfo, 'kind' | 'message'>> {}

/** The signal of an operation was aborted; `cause` is the signal's reason. */
export declare class AbortError extends Error {
  private constructor()
  readonly name: 'AbortError'
  readonly code: 'ABORT_ERR'
}

/** One page of records. */
export declare class RecordPage {
  private constructor()
  /** The records of this page, parsed when first asked for. A page can be short in the middle. */
  get items(): Array<Record<string, string>>
  /** The same as JSON text, exactly as the instance sent it. */
  readonly json: string
  /** Give it to the next call as `after`; only the last page, an empty one, has none. */
  readonly next: string | undefined
}

/** An observer at work; disposing takes it off. */
export interface Observation extends Disposable {
  readonly id: number
}

export interface Client extends Disposable, AsyncDisposable {}

export interface Worker extends AsyncDisposable {}

export interface Subscription extends AsyncIterableIterator<Event, undefined> {}

export interface Accounts {
  /** Walks over all accounts, page by page. */
  iterate(request?: ListOptions | null, options?: CallOptions | null): AsyncGenerator<Account, void, void>
}

export interface Instances {
  /** Walks over all instances, page by page. */
  iterate(request?: ListOptions | null, options?: CallOptions | null): AsyncGenerator<Instance, void, void>
}

export interface Connections {
  /** Walks over the whole Manage list, page by page. */
  iterate(request?: ListOfAccountOptions | null, options?: CallOptions | null): AsyncGenerator<Connection, void, void>
}

export interface Alerts {
  /** Walks over all deliveries, page by page. */
  iterate(request?: ListDeliveriesOptions | null, options?: CallOptions | null): AsyncGenerator<Delivery, void, void>
}

export interface Events {
  /** Walks over the event log, page by page. */
  iterate(request?: ListOfAccountOptions | null, options?: CallOptions | null): AsyncGenerator<Event, void, void>
}

/** A Citrix Cloud customer as the adapter knows it. Its client secret is kept sealed and never shown. */
export interface Account {
  /** The Citrix Cloud customer id. */
  customerId: CustomerId
  /** The cloud and region it lives in. */
  environment: Environment
  /** A name for people; not used in any decision. */
  name?: string
  /** The id of the secure client that the adapter signs in with. */
  clientId: string
  /** What the account was entitled to when last asked; none before the first question. */
  entitlement?: Entitlement
  /** The account's sites as last seen. */
  sites: Array<Site>
  /** Whether nothing is sent for it; see `disable` of the accounts. */
  isDisabled: boolean
  /** When the account was added. */
  createdAt: Date
  /** When it last changed. */
  updatedAt: Date
}

/** One page of accounts, in the order of their ids. */
export interface AccountPage {
  /** The accounts of this page. */
  items: Array<Account>
  /** Give it to the next call to go on; none on the last page. */
  next?: string
}

/** The policy of an account, as stored. */
export interface AccountPolicy {
  /** The account. */
  customerId: CustomerId
  /** The policy as a JSON document, as it was set. */
  document: string
  /** When it was set. */
  updatedAt: Date
}

/** What is needed to add an account. */
export interface AddAccount {
  /** The Citrix Cloud customer id. */
  customerId: string
  /** The cloud and region it lives in. */
  environment: Environment
  /** The id of the secure client. */
  clientId: string
  /** The secret of the secure client. */
  clientSecret: Secret
  /** A name for people. */
  name?: string
}

/** An alert or notification of Citrix Cloud, on its way to an incident. */
export interface Alert {
  /** The account it belongs to. */
  customerId: string
  /** Where it comes from, such as `citrix_cloud` or `monitor`. */
  source: string
  /** Its id within the source. Account, source and id together are its identity. */
  id: string
  /** One line. */
  title: string
  /** The whole text. */
  description: string
  /** How bad it is. */
  severity: Severity
  /** What it tells of its cause. Later states of the same alert (account, source, id) belong to its incident. */
  state: AlertState
  /** How soon somebody should look, in the source's own words. */
  priority?: string
  /** What kind of trouble it is, in the source's own words. */
  category?: string
  /** The Monitor alert policy that raised it. */
  policy?: string
  /** What it is about: a machine, a delivery group, a site. */
  target?: string
  /** The component it is about, such as `Citrix Cloud`. */
  component?: string
  /** When it was raised, as the source says. */
  raisedAt?: Date
  /** Anything else the source told, by name. */
  fields: Record<string, string>
}

/** Where alerts are fetched from. */
export type AlertSource = 'monitor' | 'citrix_cloud'

/** What an alert tells of its cause. */
export type AlertState = 'raised' | 'changed' | 'ended'

/** An authorization that has begun: open the URL in a browser. */
export interface Authorization {
  /** Names the flow: for waiting, or for giving it up. */
  flowId: string
  /** The account that is to be registered. */
  customerId: CustomerId
  /** The instance where the person signs in. */
  instanceId: InstanceId
  /** Where to send the browser. It holds the flow's state value: show it to nobody but the person who signs in. */
  authorizationUrl: string
  /** Where the browser comes back to. */
  redirectUrl: string
  /** When the flow ends by itself. */
  expiresAt: Date
}

/**
 * What is needed to register with a user account, or to re-authenticate one: a person will sign in at the instance
 * and click Allow. For a registration that exists, what is left out stays as it is.
 */
export interface Authorize {
  /** The account, added before. */
  customerId: string
  /** The instance's address, as people type it. */
  instanceUrl: string
  /** A name for the instance. */
  instanceName?: string
  /** Client id of the OAuth endpoint that the instance issued for this account; none: the one in use. */
  clientId?: string
  /** Client secret of that endpoint. None: the one in use; with a new client id, a public client. */
  clientSecret?: Secret
  /**
   * The redirect URL entered at that endpoint, used by no other registration; none: the one in use. For a
   * listener on this machine its host is `127.0.0.1` or `[::1]`, and none means a free port.
   */
  redirectUrl?: string
  /**
   * What ties the flow to the browser that began it, such as a random value kept in a cookie of its own. Give
   * the same one when the browser comes back. A listener on this machine ties the flow by itself.
   */
  session?: Secret
  /**
   * The old address of the instance, when a registration moves to a new one: it ends there in the same commit
   * that saves it here. Everything else has to be given again, with a redirect URL of its own.
   */
  movesFrom?: string
  /** Whether another person than the last time may sign in. Otherwise that is refused, and the grant in use stays. */
  allowAnotherUser: boolean
}

/** A finished authorization: who signed in, and the registration that is saved. */
export interface Authorized {
  /** The registration. */
  connection: Connection
  /** Who signed in, by user name; none when the instance does not tell. */
  userName?: string
  /** The person's record id in the instance, when it told. */
  userSysId?: string
  /** Whose grant this one replaces, when that was somebody else. */
  previousUserName?: string
}

/** One line of a connection test. */
export interface Check {
  /** What was checked. */
  name: CheckName
  /** The answer. */
  outcome: CheckOutcome
  /** What was seen, in one sentence. */
  seen: string
  /** What to do about it; empty when there is nothing to do. */
  remedy: string
}

/** Which registrations to check, and how many at a time. */
export interface CheckAll {
  /** Of this account only; none: of all accounts. */
  customerId?: string
  /** Registrations that are checked at the same time, 1 to 256 (16); of one instance never more than 4. */
  concurrency?: number
}

/** What became of one registration in a sweep. */
export interface Checked {
  /** The account. */
  customerId: CustomerId
  /** The instance. */
  instanceId: InstanceId
  /** Where the connection stands now; none when it is gone. */
  status?: ConnectionStatus
  /** How the instance answered. */
  health: InstanceHealth
  /** Whole days until the grant ends, when that is known. */
  daysLeft?: number
  /** Why the registration could not be checked at all. */
  failure?: ErrorInfo
}

/** What is checked before a registration is saved. */
export type CheckName = 'secure_client' | 'entitlement' | 'token' | 'identity' | 'table_api' | 'connector' | 'connector_role' | 'incident_right'

/** Answer of one check. */
export type CheckOutcome = 'pass' | 'fail' | 'unknown' | 'skipped'

/** The outcome of a sweep over registrations. */
export interface CheckSummary {
  /** Registrations that are registered, at an instance that answers as it should. */
  healthy: number
  /** Registrations at an instance that does not answer as it should; they keep their status. */
  unhealthy: number
  /** Registrations whose grant is refused. */
  unauthorized: number
  /** Registrations that could not be checked. */
  failed: number
  /** All of them, in the order of account and instance. */
  items: Array<Checked>
}

/** What an instance does with a record id (`sys_id`) that comes with a new record. */
export type ChosenSysId = 'honoured' | 'ignored' | 'refused' | 'unknown'

/** How a client is opened. What is left out comes from the environment, else from the defaults. */
export interface ClientOptions {
  /** Where the state is kept: the path of a SQLite file, or `memory`. Else `ITSM_ADAPTER_STORE`. Required. */
  store?: string
  /**
   * Key that seals the secrets: 32 bytes as base64 or hexadecimal. Else `ITSM_ADAPTER_KEY`, else a key file
   * beside the database.
   */
  key?: Secret
  /** Older keys that may still be needed to open what was sealed before a rotation. */
  oldKeys?: Array<Secret>
  /** One address in place of all hosts of Citrix Cloud, for the simulator. Else `CITRIX_URL`. */
  citrixUrl?: string
  /**
   * Hosts that may be instances besides ServiceNow's own, such as `help.example.org` or `*.example.org`. Else
   * `SERVICENOW_HOSTS`, separated by commas.
   */
  instanceHosts?: Array<string>
  /** Whether loopback and private addresses may be called. Else `ITSM_ADAPTER_ALLOW_PRIVATE_NETWORKS`, else no. */
  allowPrivateNetworks?: boolean
  /**
   * Proxy for all calls; a secret, because it may hold a password. Else the variables `HTTPS_PROXY`, `ALL_PROXY` and
   * `NO_PROXY` count.
   */
  proxy?: Secret
  /** Further root certificates, as PEM text; the system's own stay valid. */
  rootCertificates?: Array<string>
  /** Time allowed for a connection, in milliseconds (10,000). */
  connectTimeoutMs?: number
  /** Time allowed for one attempt of a call, in milliseconds (30,000). */
  attemptTimeoutMs?: number
  /** Time allowed for a call with all its attempts, in milliseconds (120,000). */
  totalTimeoutMs?: number
  /** How often a call is sent at the most (4). */
  maxAttempts?: number
  /** Requests in flight to one remote (64). */
  concurrencyPerRemote?: number
  /** How long an instance may go on working on a request that nobody waits for, in milliseconds (60,000). */
  transactionLimitMs?: number
  /** Pause between two looks at a frozen site, in milliseconds (30,000). */
  wakeUpIntervalMs?: number
  /** Authorization servers that differ from what an instance of ServiceNow has by default. */
  oauthServers?: Array<OauthServer>
  /** Days before a grant's wall at which to warn, by an event each (30, 14, 7, 3, 1). */
  grantWarningDays?: Array<number>
  /**
   * Whether registrations are probed whenever they are saved, and daily by a worker (false). A probe makes an
   * incident of the adapter's own and closes it again; see `registrations.probe`.
   */
  probe?: boolean
  /**
   * How long a delivery is kept after its end, in days (90); 0: for ever. Workers remove what is over once a day. What
   * goes on stays: an alert that has not ended, an incident that is open, a dead letter.
   */
  keepDeliveriesDays?: number
  /** How long a dead letter is kept, in days (0: for ever). */
  keepDeadLettersDays?: number
  /** How long an event of the log is kept, in days (400); 0: for ever. */
  keepEventsDays?: number
}

/** One condition of a query; all conditions of a query must be met. */
export interface Condition {
  /** Name of the column: lower-case letters, digits, `_`, and dots for a column of a referenced record. */
  field: string
  /** How it is compared. */
  operator: Operator
  /** With what. Control characters and scripts are refused. */
  value: string
}

/** What is needed to connect an account with an instance. */
export interface Connect {
  /** The account, added before. */
  customerId: string
  /** The instance's address, as people type it. */
  instanceUrl: string
  /** A name for the instance. */
  instanceName?: string
}

/** Account × instance: one line of the Manage list. */
export interface Connection {
  /** The account. */
  customerId: CustomerId
  /** The instance. */
  instanceId: InstanceId
  /** The instance's name for people. */
  instanceName?: string
  /** Where the connection stands. */
  status: ConnectionStatus
  /** How the instance answered last. */
  health: InstanceHealth
  /** The secure client that was tested for this connection. */
  secureClientId: string
  /** The OAuth endpoint in use; none while unregistered. */
  endpoint?: OauthEndpoint
  /** The grant in use; none while unregistered. */
  grant?: Grant
  /** What the last connection test found. */
  lastTest?: TestReport
  /** When the connection was made. */
  createdAt: Date
  /** When it last changed. */
  updatedAt: Date
}

/** One page of connections, in the order of account and instance. */
export interface ConnectionPage {
  /** The connections of this page. */
  items: Array<Connection>
  /** Give it to the next call to go on; none on the last page. */
  next?: string
}

/** Where a connection stands. No connection = not listed. (ITSM Adapter service, "Get started".) */
export type ConnectionStatus = 'unregistered' | 'registered' | 'unauthorized'

/** What is needed to subscribe to events of an account. */
export interface CreateWebhook {
  /** The account, added before. */
  customerId: string
  /** Where callbacks are sent; must be reachable from the internet by `https`. */
  url: string
  /** What each callback carries as its `Authorization` header. Without it anybody can send you callbacks. */
  authorization?: Secret
  /** A text for people (`ITSM Adapter`). */
  description?: string
  /** Which events: `Notifications` (the default), `*`, or another of Citrix Cloud's words. */
  eventType?: string
  /** Which changes: `*` (the default), `Create`, `Update`, `Delete`. */
  changeType?: string
}

/** A Citrix Cloud customer id, such as `a1b2c3d4e5f6`: 1 to 64 letters, digits, `-` or `_`. */
export type CustomerId = string

/** An alert on its way to an incident. */
export interface Delivery {
  /** Made by the adapter. */
  id: DeliveryId
  /** The account. */
  customerId: CustomerId
  /** What is delivered. */
  alert: Alert
  /** Where it stands. */
  status: DeliveryStatus
  /** The key written into the incident's `correlation_id`, fixed when the alert was accepted. */
  correlationId: string
  /** How many times an insert was begun. */
  attempts: number
  /** The instance that holds the incident. */
  instanceId?: InstanceId
  /** The incident, once it exists. */
  incident?: Incident
  /** Why it is not delivered, in one sentence. */
  failure?: string
  /** When the alert was accepted. */
  acceptedAt: Date
  /** When the delivery last changed. */
  updatedAt: Date
}

/** One alert on its way to an incident. Made by the adapter; opaque. */
export type DeliveryId = string

/**
 * How many deliveries stand where. Kept as they move: as cheap with a million as with one. What was removed because its
 * time was over is not counted.
 */
export interface DeliveryLag {
  /** Accepted, and to be sent. */
  pending: number
  /** Sent, with an outcome that is not known yet. */
  unknown: number
  /** Delivered. */
  delivered: number
  /** Dead letters. */
  dead: number
  /** Nothing is to be made of them. */
  ignored: number
  /** Counted in the incident of another alert. */
  grouped: number
  /** Age of the oldest that is pending or unknown, in milliseconds; none when there is none. */
  oldestAgeMs?: number
  /** The same, by account and instance. */
  lanes: Array<LaneLag>
}

/** One page of deliveries, oldest first. */
export interface DeliveryPage {
  /** The deliveries of this page. */
  items: Array<Delivery>
  /** Give it to the next call to go on; none on the last page. */
  next?: string
}

/** Where a delivery stands. */
export type DeliveryStatus = 'pending' | 'unknown' | 'delivered' | 'dead' | 'ignored' | 'grouped'

/** What an account may use, and whether the adapter may be managed for it. */
export interface Entitlement {
  /** True when the Manage rule is met. */
  canManage: boolean
  /** Why, in one sentence. */
  reason: string
  /** The best product edition among the account's sites; none when no site told. */
  edition?: string
  /** The services that matter here: `itsm` and `xendesktop`. */
  services: Array<ServiceEntitlement>
  /** When the account was asked. */
  checkedAt: Date
}

/** What a service state means for using the service. */
export type EntitlementGroup = 'not_entitled' | 'not_provisioned' | 'provisioned'

/**
 * The cloud, and within the commercial cloud the home region, that an account lives in. An account
 * chooses it once and cannot change it. (Citrix Cloud, "Geographical considerations".)
 */
export type Environment = 'us' | 'eu' | 'asia_pacific_south' | 'japan' | 'us_government'

/** Everything an error says, as plain data: what crosses into other languages. */
export interface ErrorInfo {
  /** The stable kind. */
  kind: ErrorKind
  /** What happened, in one sentence, without secrets. */
  message: string
  /** What to do about it, in one sentence. */
  remedy: string
  /** The operation that failed, such as `connections.connect`; empty when none was under way. */
  operation: string
  /** The remote's transaction id when it gave one, else the id this library sent. */
  transactionId?: string
  /** How many times the failing request was sent; 0 when none was. */
  attempts: number
  /** Whether the same call may be repeated. */
  retryable: boolean
  /** How long to wait before repeating it, in milliseconds, when that is known. */
  retryAfterMs?: number
  /** Names and values that help to understand the failure, such as `status` or `held_by`. */
  context: Record<string, string>
}

/** What a caller should do about a failure. The words are stable and the same in every language. */
export type ErrorKind = 'invalid_input' | 'not_found' | 'illegal_state' | 'already_registered' | 'not_entitled' | 'unauthorized' | 'consent_denied' | 'flow_expired' | 'forbidden' | 'prerequisite_missing' | 'throttled' | 'unavailable' | 'timeout' | 'cancelled' | 'outcome_unknown' | 'protocol' | 'store' | 'sealed' | 'internal'

/** One entry of the event log. It never holds a secret. */
export interface Event {
  /** Position in the log, growing; 0 for events that are told to observers only. */
  sequence: number
  /** When it happened. */
  at: Date
  /** What happened. */
  kind: EventKind
  /** The account concerned. */
  customerId?: CustomerId
  /** The instance concerned. */
  instanceId?: InstanceId
  /** For people, in one sentence. */
  message: string
  /** Names and values that belong to it. */
  detail: Record<string, string>
}

/** What happened. */
export type EventKind = 'account_added' | 'account_updated' | 'account_removed' | 'connected' | 'disconnected' | 'registered' | 'reauthenticated' | 'unregistered' | 'unauthorized' | 'health_changed' | 'grant_expiring' | 'revocation_failed' | 'progress' | 'delivery_accepted' | 'delivery_done' | 'delivery_failed' | 'delivery_updated' | 'delivery_duplicated' | 'look_up_broken' | 'forgotten' | 'store_warning'

/** One page of the event log, oldest first. */
export interface EventPage {
  /** The events of this page. */
  items: Array<Event>
  /** Give it to the next call to go on; none on the last page. */
  next?: string
}

/** The grant of a registration, without its secrets. */
export interface Grant {
  /** Service account or user account. */
  kind: GrantKind
  /** Who acts: the user name that the instance answered, else the one given. */
  userName: string
  /** The user's record id in the instance, when it told. */
  userSysId?: string
  /** When the grant was given. */
  grantedAt: Date
  /** When the refresh token ends, whatever is done with it; without one, a consent ends with its access token. */
  expiresAt?: Date
  /** Whole days until then, as of this answer; 0 on the last day, negative after it. */
  daysLeft?: number
  /** The nearest of the configured distances to that end, in days, that was warned of by an event. */
  warnedDays?: number
}

/** How the adapter may act in the instance. */
export type GrantKind = 'service_account' | 'user_account'

/** A ServiceNow incident as the instance shows it. */
export interface Incident {
  /** Record id, 32 hexadecimal digits. */
  sysId: string
  /** The number people use, such as `INC0010001`. */
  number: string
  /** One line. */
  shortDescription: string
  /** As the instance computed it from impact and urgency, such as `3`. */
  priority: string
  /** State value, such as `1` (New). */
  state: string
  /** The delivery's key. */
  correlationId: string
  /** User name of who created it: the service account. */
  sysCreatedBy: string
}

/** A ServiceNow instance. */
export interface Instance {
  /** The normalised origin. */
  id: InstanceId
  /** A name for people. */
  name?: string
  /** How it answered last. */
  health: InstanceHealth
  /** What was seen, in one sentence; none while it is healthy or unknown. */
  healthDetail?: string
  /** When it answered last, or failed to. */
  healthAt?: Date
  /** Version of the Citrix IT Service Management Connector; none when it could not be read. */
  connectorVersion?: string
  /** When the adapter first heard of it. */
  createdAt: Date
  /** When it last changed. */
  updatedAt: Date
}

/** How an instance answered last. Health is not status: a registered instance that is down stays registered. */
export type InstanceHealth = 'unknown' | 'available' | 'throttled' | 'hibernating' | 'unavailable' | 'unexpected'

/** A ServiceNow instance, known by its normalised origin, such as `https://dev000001.service-now.com`. */
export type InstanceId = string

/** One page of instances, in the order of their ids. */
export interface InstancePage {
  /** The instances of this page. */
  items: Array<Instance>
  /** Give it to the next call to go on; none on the last page. */
  next?: string
}

/** How many deliveries of one account stand where, by the instance that was asked last. */
export interface LaneLag {
  /** The account. */
  customerId: CustomerId
  /** The instance; none before the first attempt. */
  instanceId?: InstanceId
  /** Accepted, and to be sent. */
  pending: number
  /** Sent, with an outcome that is not known yet. */
  unknown: number
  /** Delivered. */
  delivered: number
  /** Dead letters. */
  dead: number
  /** Nothing is to be made of them. */
  ignored: number
  /** Counted in the incident of another alert. */
  grouped: number
}

/** How much a log line matters. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace'

/** Whether an instance finds records again by a key, and finds nothing by another one. */
export type LookUp = 'works' | 'broken'

/** The OAuth client that the instance issued for one account, without its secret. */
export interface OauthEndpoint {
  /** The client id. */
  clientId: string
  /** The redirect URL entered there; none for an endpoint that serves a service account only. */
  redirectUrl?: string
}

/**
 * How an authorization server differs from what an instance of ServiceNow has by default. Addresses are paths at
 * the instance, or whole URLs (`https`; `http` for loopback).
 */
export interface OauthServer {
  /** The instance that it belongs to; none: every instance that has no entry of its own. */
  instanceUrl?: string
  /** Where the browser is sent (`/oauth_auth.do`). */
  authorizationUrl?: string
  /** Where codes, passwords and refresh tokens are exchanged (`/oauth_token.do`). */
  tokenUrl?: string
  /**
   * Where tokens are revoked (`/oauth_revoke_token.do`). When it is given, the
   * client names itself there, with its secret (RFC 7009); ServiceNow's own asks for neither.
   */
  revocationUrl?: string
  /** The server's issuer identifier. When it is given, every callback has to name it (RFC 9207). */
  issuer?: string
  /** Scopes to ask for, separated by blanks (none). */
  scope?: string
  /** Life of an access token whose answer does not say, in seconds (60). */
  accessTokenLifespanS?: number
  /** Life of a refresh token whose answer does not say, in seconds (8,640,000, which is 100 days). */
  refreshTokenLifespanS?: number
}

/** How a column is compared with a value. */
export type Operator = 'equals' | 'not_equals' | 'greater' | 'starts_with' | 'one_of'

/** What a policy does with an alert at an instant. */
export type PolicyAction = 'incident' | 'ignore' | 'hold'

/** What a policy would do with an alert, and why. Nothing is done. */
export interface PolicyDecision {
  /** What would be done. */
  action: PolicyAction
  /** The rule that decides; none when no rule fits. */
  rule?: string
  /** Why, in one sentence. */
  reason: string
  /** Until when it would wait. */
  holdUntil?: Date
  /** Impact, 1 to 3. */
  impact: number
  /** Urgency, 1 to 3. */
  urgency: number
  /** Who would work on it. */
  assignmentGroup?: string
  /** The incident's category. */
  category?: string
  /** For whom it would be. */
  caller?: string
  /** The one-line text that the policy makes; none: the alert's title. */
  shortDescription?: string
  /** The long text that the policy makes; none: the alert's description. */
  description?: string
  /** The text of a work note that the policy makes. */
  workNote?: string
  /** Shortest time between two work notes, in seconds. */
  noteIntervalS: number
  /** Whether the end of the alert resolves the incident. */
  resolveOnEnd: boolean
  /** Whether a resolved incident is opened again; else a new one is made. */
  reopen: boolean
  /** Names the group that the alert belongs to: alerts with the same key have the same cause. */
  groupKey?: string
  /** How long the group takes in others, in seconds. */
  groupWindowS?: number
  /** Whether the alert has an incident of its own below the group's. */
  groupChildren?: boolean
  /** Everything that was looked at, in its order. */
  steps: Array<PolicyStep>
}

/** One line of the reasons for a decision. */
export interface PolicyStep {
  /** Name of the rule or of the maintenance window that was looked at. */
  name: string
  /** Whether it fits the alert. */
  matched: boolean
  /** Why, in one sentence. */
  reason: string
}

/**
 * What a probe learned about an instance, as the grant of one account sees it. It is kept with the registration, and
 * forgotten when another user acts for it.
 */
export interface ProbeReport {
  /** The account. */
  customerId: CustomerId
  /** The instance. */
  instanceId: InstanceId
  /** When it was probed. */
  probedAt: Date
  /** Whether look-ups can be relied on. */
  lookUp: LookUp
  /** What was seen of that, in one sentence. */
  lookUpSeen: string
  /** What becomes of a record id that the adapter chose. */
  chosenSysId: ChosenSysId
  /** What was seen of that, in one sentence. */
  chosenSysIdSeen: string
  /** Number of the incident that was made for the probe. */
  incidentNumber: string
  /** Record id of that incident. */
  incidentSysId: string
  /** Whether all that was made for the probe is cancelled or resolved again. If not, somebody has to do it. */
  isClosed: boolean
  /** How it was closed, or why not, in one sentence. */
  closedSeen: string
}

/** New credentials for a registration that exists. What is left out stays as it is. */
export interface ReauthenticateServiceAccount {
  /** The account. */
  customerId: string
  /** The instance that holds the registration. */
  instanceUrl: string
  /** A new endpoint's client id. */
  clientId?: string
  /** A new endpoint's client secret. */
  clientSecret?: Secret
  /** User id of the service account; none: the one in use. */
  userName?: string
  /** Password of the service account; none: the one in use. */
  password?: Secret
}

/** What is needed to register with a service account, or to test such a registration. */
export interface RegisterServiceAccount {
  /** The account, added before. */
  customerId: string
  /** The instance's address, as people type it. */
  instanceUrl: string
  /** A name for the instance. */
  instanceName?: string
  /** Client id of the OAuth endpoint that the instance issued for this account. */
  clientId: string
  /** Client secret of that endpoint. */
  clientSecret: Secret
  /** User id of the service account. */
  userName: string
  /** Password of the service account. */
  password: Secret
}

/** What unregistering, or disconnecting, did with the tokens. */
export interface Revocation {
  /** True when the instance confirmed that every token is revoked, or there was none. */
  complete: boolean
  /** What went wrong, in one sentence. The adapter tries again at the next check. */
  failure?: string
}

/** What a rotation of the key did. */
export interface RotationReport {
  /** Secrets that were sealed again. */
  resealed: number
  /** The id of the key that seals from now on. */
  keyId: string
  /** Old keys that were forgotten, because nothing needs them. */
  forgotten: number
}

/** How a worker works. What is left out has the default in brackets. */
export interface RunOptions {
  /** Of these accounts only (all that are registered). */
  customerIds?: Array<string>
  /**
   * Deliveries in hand per instance at the most, 1 to 256 (16). The worker finds out by itself how many the
   * instance likes.
   */
  concurrency?: number
  /**
   * Attempts that reach the instance and make nothing, until a delivery is a dead letter, 1 to 1000 (10). Time in
   * which an instance cannot be reached costs no attempts.
   */
  maxAttempts?: number
  /** Pause between two looks for work of other processes, in milliseconds (500). Their registrations: within 5 s. */
  pollIntervalMs?: number
  /**
   * Ends `drain` when an instance's deliveries have come no further for this long, in milliseconds: it is down, or
   * a maintenance window holds what is left. What is left waits for the next worker. None: `drain` waits as long as
   * it takes. Without effect on `run`.
   */
  giveUpAfterMs?: number
  /**
   * Incidents of one account that are sent as one request at the most, 1 to 100 (1: each in a request of its own).
   * With more than 1, `concurrency` counts requests. It saves requests and time where an instance is far away; its
   * time limit for such a request is the shorter one (30 s), and an answer that is lost leaves all of them to be
   * looked up.
   */
  batchSize?: number
}

/** One line of the answer: a service, its state, and for how long. */
export interface ServiceEntitlement {
  /** The service's name, such as `itsm` or `xendesktop`. */
  serviceName: string
  /** The state. */
  state: ServiceState
  /** What the state means. */
  group: EntitlementGroup
  /** How many units (usually users) the subscription holds. */
  quantity?: number
  /** Days to the end of the longest licence. */
  daysToExpiration?: number
}

/** State of one service for one account. (Citrix Cloud, "Determine service entitlement status".) */
export type ServiceState = 'not_onboarded' | 'expired' | 'default' | 'production_trial_denied' | 'production_trial_pending' | 'production_trial_deleted' | 'production_trial_approved' | 'production_pending' | 'partner_production_pending' | 'not_onboarded_trial_pending' | 'production_trial' | 'production' | 'partner_production' | 'unrecognized'

/** How bad an alert is. */
export type Severity = 'information' | 'success' | 'warning' | 'error' | 'critical'

/** A DaaS or on-premises site of an account. (CVAD REST API, `GET /Sites`.) */
export interface Site {
  /** The site's id: a virtual site id in the cloud, the farm GUID on premises. */
  id: string
  /** The site's name; the cloud site is usually called `cloudxdsite`. */
  name: string
  /** The product edition as the site states it, such as `Premium`; none when it did not say. */
  edition?: string
}

/** What one look at a source of alerts brought. */
export interface SweepReport {
  /** The account. */
  customerId: CustomerId
  /** The source. */
  source: AlertSource
  /** False when another process is looking at the same source; nothing was read then. */
  looked: boolean
  /** How many records were read. */
  read: number
  /** How many of them are alerts that were not known. */
  accepted: number
  /** How many tell of a later state of a known alert. */
  changed: number
  /** How many were known as they are, or told of the end of an alert that nobody knew. */
  duplicates: number
  /** How many could not be alerts, such as records without an id. */
  unreadable: number
  /** Up to where the source is read: the instant of the last change, or of the sweep. */
  resumesAt?: Date
}

/** A whole connection test. */
export interface TestReport {
  /** True when no check failed. */
  passed: boolean
  /** The checks in the order they were made. */
  checks: Array<Check>
  /** When the test ended. */
  testedAt: Date
}

/** What to change of an account; a field left out stays as it is. */
export interface UpdateAccount {
  /** The account to change. */
  customerId: string
  /** A new secure client's id; give it together with `client_secret`. */
  clientId?: string
  /** A new secret, alone (rotation) or with a new `client_id`. */
  clientSecret?: Secret
  /** A new name for people. */
  name?: string
}

/** A webhook subscription at Citrix Cloud, without its authorization. */
export interface Webhook {
  /** Its id at Citrix Cloud. */
  id: string
  /** The account. */
  customerId: CustomerId
  /** Where callbacks are sent. */
  url: string
  /** A text for people. */
  description: string
  /** Which events it is for, such as `Notifications`. */
  eventType: string
  /** Which changes it is for, such as `Create` or `*`. */
  changeType: string
}

/** Operations on Citrix Cloud accounts: `client.accounts`. */
export declare class Accounts {
  /**
   * Adds an account, after its secure client got a token from Citrix Cloud. Nothing is saved when it did not.
   *
   * Rejects with `invalid_input`; `illegal_state` when the account is there already; `unauthorized` when Citrix
   * Cloud refuses the secure client; `throttled`, `unavailable`, `timeout`, `protocol`, `store`.
   */
  add(request: AddAccount, options?: CallOptions | undefined | null): Promise<Account>
  /**
   * Changes an account. New credentials are tried before they replace the old ones.
   *
   * Rejects as `add`; `not_found` when there is no such account; `illegal_state` for new credentials of a
   * disabled one.
   */
  update(request: UpdateAccount, options?: CallOptions | undefined | null): Promise<Account>
  /**
   * One account.
   *
   * Rejects with `not_found`, `invalid_input`, `store`.
   */
  get(customerId: string, options?: CallOptions | undefined | null): Promise<Account>
  /**
   * One page of accounts, in the order of their ids. `iterate` walks over all of them.
   *
   * Rejects with `invalid_input`, `store`.
   */
  list(request?: ListOptions | undefined | null, options?: CallOptions | undefined | null): Promise<AccountPage>
  /**
   * Tries the stored secure client and asks for the entitlement; saves nothing. What goes wrong at Citrix Cloud
   * stands in the report.
   *
   * Rejects with `not_found`, `invalid_input`, `store`, `sealed`.
   */
  test(customerId: string, options?: CallOptions | undefined | null): Promise<TestReport>
  /**
   * Asks Citrix Cloud what the account is entitled to, and remembers the answer. Wakes a frozen site, which can
   * take minutes; progress is told to observers.
   *
   * Rejects with `not_found`, `unauthorized`, `forbidden`, `throttled`, `unavailable`, `timeout`, `protocol`,
   * `store`.
   */
  entitlement(customerId: string, options?: CallOptions | undefined | null): Promise<Entitlement>
  /**
   * Stops everything that is sent for an account, to Citrix Cloud and to instances, until it is enabled again:
   * calls and tests are refused, deliveries wait. What is stored stays, alerts are still taken, and unregistering,
   * disconnecting and revoking go on working. Counts in this client at once, in other processes within five
   * seconds.
   *
   * Rejects with `not_found`, `invalid_input`, `store`, `sealed`.
   */
  disable(customerId: string, options?: CallOptions | undefined | null): Promise<Account>
  /**
   * Lets an account that was disabled work again, with the credentials and registrations it had.
   *
   * Rejects as `disable`.
   */
  enable(customerId: string, options?: CallOptions | undefined | null): Promise<Account>
  /**
   * Removes an account that has no connection left, with its secure client.
   *
   * Rejects with `not_found`; `illegal_state` while it has connections; `store`.
   */
  remove(customerId: string, options?: CallOptions | undefined | null): Promise<void>
}

/** Alerts on their way to incidents: `client.alerts`. */
export declare class Alerts {
  /**
   * Takes an alert. Once this resolves, the alert is stored durably and cannot be lost. The same alert again
   * (account, source, id) is the same delivery.
   *
   * Rejects with `not_found` when the account was not added, `invalid_input`, `store`.
   */
  submit(alert: SubmitAlert, options?: CallOptions | undefined | null): Promise<Delivery>
  /**
   * Takes many alerts and answers in their order; all share few disk flushes. When one of them is refused, the
   * others are taken all the same: submitting all of them again is allowed, and adds nothing.
   *
   * Rejects with the error of the first alert that was refused, with `index` in its context; as `submit`.
   */
  submitMany(alerts: ReadonlyArray<SubmitAlert>, options?: CallOptions | undefined | null): Promise<Array<Delivery>>
  /**
   * Takes the body of a Citrix Cloud webhook callback. Null when it tells of something else than a new
   * notification.
   *
   * Rejects with `forbidden` when the authorization differs, or the body names another account; `invalid_input`
   * when the body is not a callback; `not_found` when its account was not added; `store`.
   */
  submitWebhook(request: SubmitWebhook, options?: CallOptions | undefined | null): Promise<Delivery | null>
  /**
   * Takes the body of a webhook whose form is the sender's own, such as that of a Monitor alert policy, for an
   * account. Null when it tells of the end of an alert that nobody knows.
   *
   * Rejects with `forbidden` when the authorization differs; `invalid_input` when mapping or body cannot be
   * used; `not_found` when the account was not added; `store`.
   */
  submitMapped(request: SubmitMapped, options?: CallOptions | undefined | null): Promise<Delivery | null>
  /**
   * Delivers what was submitted until nothing waits any more for the accounts that are registered, and tells
   * how many deliveries stand where.
   *
   * Rejects with `invalid_input` for options out of bounds, `store`.
   */
  drain(request?: RunOptions | undefined | null, options?: CallOptions | undefined | null): Promise<DeliveryLag>
  /**
   * How many deliveries stand where, of one account or of all. As cheap with a million as with one.
   *
   * Rejects with `invalid_input`, `store`.
   */
  lag(customerId?: string | undefined | null, options?: CallOptions | undefined | null): Promise<DeliveryLag>
  /**
   * Takes a dead letter back into the outbox, with a full budget of attempts. Anything else stays as it is. The
   * dead letters are listed by `list` with the status `dead`.
   *
   * Rejects with `not_found`, `store`.
   */
  replay(deliveryId: string, options?: CallOptions | undefined | null): Promise<Delivery>
  /**
   * Delivers one alert now and gives it back with its incident. An outcome that is unknown is found out before
   * anything is repeated, which can take as long as the instance may still be working. Delivering twice makes
   * one incident.
   *
   * Rejects with `not_found`; `illegal_state` when the account is not registered; `outcome_unknown` when the
   * instance cannot be asked; what the instance refuses with. The delivery stays and can be delivered again.
   */
  deliver(deliveryId: string, options?: CallOptions | undefined | null): Promise<Delivery>
  /**
   * One delivery.
   *
   * Rejects with `not_found`, `store`.
   */
  get(deliveryId: string, options?: CallOptions | undefined | null): Promise<Delivery>
  /**
   * One page of deliveries, in the order in which they were accepted. `iterate` walks over all of them.
   *
   * Rejects with `invalid_input`, `store`.
   */
  list(request?: ListDeliveriesOptions | undefined | null, options?: CallOptions | undefined | null): Promise<DeliveryPage>
  /**
   * Starts a worker, which delivers what was submitted, by this process or another one, until it is stopped or the
   * client is closed. Any number of workers may share one store; each instance has a lane of its own, so that one
   * that is slow or down delays no other.
   *
   * Rejects with `invalid_input` for options out of bounds.
   */
  run(request?: RunOptions | undefined | null, options?: CallOptions | undefined | null): Promise<Worker>
}

/**
 * The adapter: one store, its keys, its tokens and its way out. Open it once and share it within a thread; worker
 * threads and processes open their own over the same store. It does not keep a process alive; calls in flight do.
 */
export declare class Client {
  /** Alerts on their way to incidents: `client.alerts`. */
  get alerts(): Alerts
  /**
   * Opens a client; nothing is sent to anybody. What the options leave out comes from the environment.
   *
   * Rejects with `invalid_input` for settings that make no sense, `store` when the store cannot be opened, `sealed`
   * when the key is missing or not readable.
   */
  static open(options?: ClientOptions, call?: CallOptions): Promise<Client>
  /**
   * Tells a function every event from now on, until `unobserve`. It does not keep the process alive; what it throws
   * becomes a warning of the process. While the event loop is busy, 1,024 events wait for it; what is beyond that is
   * missed, and told so by an event of kind `progress`.
   */
  observe(callback: (event: Event) => void): Observation
  /** Takes an observer off. */
  unobserve(observation: Observation): void
  /** Events from now on, for `for await`, until the client is closed. Waiting for one keeps no process alive. */
  subscribe(options?: CallOptions): Subscription
  /**
   * Seals everything with a new key: with this one, or with one that is made and kept in the key file. Interrupted,
   * it goes on when called again.
   *
   * Rejects with `sealed` when a row cannot be opened with any key at hand, `invalid_input` when the key comes from
   * the caller and no new one is given, `store`.
   */
  rotateKey(newKey?: Secret | undefined | null, options?: CallOptions | undefined | null): Promise<RotationReport>
  /**
   * Closes the client: calls in flight end with `cancelled`, later ones with `illegal_state`. What was committed
   * stays.
   */
  close(): void
  /** True after `close`. */
  get isClosed(): boolean
  /** Records of the instance that an account is registered with (Table API): `client.records`. */
  get records(): Records
  /** Operations on registrations, the OAuth side of a connection: `client.registrations`. */
  get registrations(): Registrations
  /** Operations on Citrix Cloud accounts: `client.accounts`. */
  get accounts(): Accounts
  /** ServiceNow instances as the adapter knows them: `client.instances`. */
  get instances(): Instances
  /** Operations on connections of accounts with instances, the Manage list: `client.connections`. */
  get connections(): Connections
  /** What becomes of the alerts of an account: `client.policies`. */
  get policies(): Policies
  /** Sources that alerts are fetched from, Monitor and the notifications of Citrix Cloud: `client.sources`. */
  get sources(): Sources
  /** Webhook subscriptions at Citrix Cloud: `client.webhooks`. */
  get webhooks(): Webhooks
  /** The event log: `client.events`. */
  get events(): Events
}

/** Operations on connections of accounts with instances, the Manage list: `client.connections`. */
export declare class Connections {
  /**
   * Connects an account with an instance: tries the account's secure client, applies the Manage rule, saves.
   * Connecting again tests again.
   *
   * Rejects with `not_found` when the account was not added, `not_entitled` with what was found, `unauthorized`,
   * `prerequisite_missing` when the instance's connector is too old for another account, `invalid_input`,
   * `throttled`, `unavailable`, `timeout`, `protocol`, `store`.
   */
  connect(request: Connect, options?: CallOptions | undefined | null): Promise<Connection>
  /**
   * Does all that `connect` does, but saves nothing. What goes wrong at Citrix Cloud stands in the report.
   *
   * Rejects with `not_found`, `invalid_input`, `store`.
   */
  test(request: Connect, options?: CallOptions | undefined | null): Promise<TestReport>
  /**
   * One connection.
   *
   * Rejects with `not_found`, `invalid_input`, `store`.
   */
  get(connection: ConnectionId, options?: CallOptions | undefined | null): Promise<Connection>
  /**
   * One page of the Manage list, in the order of account and instance. `iterate` walks over all of it.
   *
   * Rejects with `invalid_input`, `store`.
   */
  list(request?: ListOfAccountOptions | undefined | null, options?: CallOptions | undefined | null): Promise<ConnectionPage>
  /**
   * Removes a connection: revokes its tokens, if it has any, and forgets it. The account stays. A failed
   * revocation stands in the answer.
   *
   * Rejects with `not_found`, `invalid_input`, `store`.
   */
  disconnect(connection: ConnectionId, options?: CallOptions | undefined | null): Promise<Revocation>
}

/** The event log: `client.events`. */
export declare class Events {
  /**
   * One page of events, oldest first. `iterate` walks over all of them.
   *
   * Rejects with `invalid_input`, `store`.
   */
  list(request?: ListOfAccountOptions | undefined | null, options?: CallOptions | undefined | null): Promise<EventPage>
}

/** ServiceNow instances as the adapter knows them: `client.instances`. */
export declare class Instances {
  /**
   * One instance, by its address.
   *
   * Rejects with `not_found` when no connection was ever made with it, `invalid_input`, `store`.
   */
  get(instanceUrl: string, options?: CallOptions | undefined | null): Promise<Instance>
  /**
   * One page of instances, in the order of their ids. `iterate` walks over all of them.
   *
   * Rejects with `invalid_input`, `store`.
   */
  list(request?: ListOptions | undefined | null, options?: CallOptions | undefined | null): Promise<InstancePage>
}

/** What becomes of the alerts of an account: `client.policies`. */
export declare class Policies {
  /**
   * Sets the policy of an account, in place of the one it had. All of the document is checked before it is
   * stored, its templates and time zones included.
   *
   * Rejects with `invalid_input`, with the place of the mistake; `not_found` when the account was not added;
   * `store`.
   */
  set(request: SetPolicy, options?: CallOptions | undefined | null): Promise<AccountPolicy>
  /**
   * The policy of an account.
   *
   * Rejects with `not_found` when it has none: its alerts all become incidents then; `invalid_input`, `store`.
   */
  get(customerId: string, options?: CallOptions | undefined | null): Promise<AccountPolicy>
  /**
   * Removes the policy of an account: from then on all its alerts become incidents.
   *
   * Rejects with `not_found` when it has none; `invalid_input`, `store`.
   */
  remove(customerId: string, options?: CallOptions | undefined | null): Promise<void>
  /**
   * Says what would be done with an alert, and why, rule by rule; does nothing. With a document, that policy is
   * asked instead of the account's: to try it before it is set.
   *
   * Rejects with `invalid_input` for a document that cannot be used, `store`.
   */
  explain(request: ExplainPolicy, options?: CallOptions | undefined | null): Promise<PolicyDecision>
}

/** Records of the instance that an account is registered with (Table API): `client.records`. */
export declare class Records {
  /**
   * One record.
   *
   * Rejects with `not_found` when there is none or it is hidden, `illegal_state` when the account is not
   * registered, `unauthorized`, `forbidden`, `throttled`, `unavailable`, `timeout`, `protocol`, `invalid_input`.
   */
  get(request: GetRecord, options?: CallOptions | undefined | null): Promise<Record<string, string>>
  /**
   * Records that match the query, at most `limit` of them. No records can also mean no right to read them.
   *
   * Rejects as `get`.
   */
  query(request: QueryRecords, options?: CallOptions | undefined | null): Promise<Array<Record<string, string>>>
  /**
   * One page of a walk over all records that match, in the order of `sys_id`: stable, and in constant memory.
   * The page parses its records when they are asked for. `pages` walks over all of them.
   *
   * Rejects as `get`.
   */
  page(request: PageRecords, options?: CallOptions | undefined | null): Promise<RecordPage>
  /**
   * Walks over all records that match, page by page; see `page`. While you have one page, the next one is on its
   * way already; leaving the loop, or aborting, ends that request.
   *
   * Rejects as `get`.
   */
  pages(request: PageRecords, options?: CallOptions | undefined | null): AsyncGenerator<RecordPage, void, void>
  /**
   * Makes a record and gives it back as stored.
   *
   * Rejects with `outcome_unknown` when the record may or may not exist: look it up by a key of yours. Else as
   * `get`, and nothing was made.
   */
  insert(request: InsertRecord, options?: CallOptions | undefined | null): Promise<Record<string, string>>
  /**
   * Makes many records and tells of each, in the order given, how it went. One that fails does not stop the
   * others.
   *
   * Rejects with `invalid_input` for `inFlight`, `illegal_state` when the account is not registered.
   */
  insertMany(request: InsertRecords, options?: CallOptions | undefined | null): Promise<Array<PromiseSettledResult<Record<string, string>>>>
  /**
   * Changes the columns given and gives the record back.
   *
   * Rejects as `insert`. Repeating an update whose outcome is unknown is safe, unless it writes a journal column
   * such as `work_notes`.
   */
  update(request: UpdateRecord, options?: CallOptions | undefined | null): Promise<Record<string, string>>
}

/** Operations on registrations, the OAuth side of a connection: `client.registrations`. */
export declare class Registrations {
  /**
   * Registers the account with the instance through a service account: password grant, connection test, save. A
   * connection is made first when there is none. On a registration that exists it replaces the grant.
   *
   * Rejects with `already_registered` naming the instance that holds the account; `unauthorized` when the token
   * endpoint refuses (it does not say what is wrong); `forbidden` naming the role or scope;
   * `prerequisite_missing`; `not_found`, `not_entitled`, `invalid_input`, `throttled`, `unavailable`, `timeout`,
   * `protocol`, `store`. Nothing has changed then.
   */
  register(request: RegisterServiceAccount, options?: CallOptions | undefined | null): Promise<Connection>
  /**
   * Does all that `register` does with the instance, but saves nothing. What the checks find stands in the
   * report.
   *
   * Rejects with `invalid_input`, `not_found`, and everything that the token endpoint refuses or fails with.
   */
  test(request: RegisterServiceAccount, options?: CallOptions | undefined | null): Promise<TestReport>
  /**
   * Gives a registration new credentials, or the same ones again. What is left out stays as it is.
   *
   * Rejects with `illegal_state` without a registration, `invalid_input` when a password is missing; else as
   * `register`. The grant in use goes on working then.
   */
  reauthenticate(request: ReauthenticateServiceAccount, options?: CallOptions | undefined | null): Promise<Connection>
  /**
   * Ends a registration: forgets grant and endpoint secret, revokes the tokens, keeps the connection. A failed
   * revocation stands in the answer.
   *
   * Rejects with `illegal_state` without a registration, `not_found`, `invalid_input`, `store`.
   */
  unregister(connection: ConnectionId, options?: CallOptions | undefined | null): Promise<Revocation>
  /**
   * Checks a registration: token fresh, API readable, roles still there. Updates the instance's health and, with
   * proof only, the status. What goes wrong at the instance stands in the connection.
   *
   * Rejects with `not_found`, `illegal_state` without a registration, `invalid_input`, `store`, `sealed`.
   */
  check(connection: ConnectionId, options?: CallOptions | undefined | null): Promise<Connection>
  /**
   * Moves a registration to the new address of its instance, through a service account: everything is tried
   * there first, and in one commit it begins there and ends at the old address. Credentials are given again:
   * what one address was given is never sent to another.
   *
   * Rejects with `illegal_state` when there is no registration at the old address; else as `register`. Nothing
   * has changed then.
   */
  relocate(request: Relocate, options?: CallOptions | undefined | null): Promise<Connection>
  /**
   * Finds out what the instance that the account is registered with does with records, with an incident of the
   * adapter's own that is cancelled at once: whether look-ups by key can be relied on, and whether a record id
   * that the adapter chose is honoured. What was learned is kept, and minded by every delivery from then on. With
   * the option `probe` this is done whenever a registration is saved, and daily by a worker.
   *
   * Rejects with `not_found`; `illegal_state` when the account is not registered; what the instance refuses or
   * fails with, with `left_open` in its context when something that was made could not be closed; `store`.
   */
  probe(customerId: string, options?: CallOptions | undefined | null): Promise<ProbeReport>
  /**
   * Gives a registration the new secret of its OAuth endpoint, without anybody signing in again: the grant in
   * use is renewed with it, and only when that has worked the old secret is forgotten. It also brings a
   * registration back that became `unauthorized` because the secret had changed.
   *
   * Rejects with `unauthorized` when the token endpoint refuses it; `illegal_state` without a registration;
   * `invalid_input`, `not_found`, `throttled`, `unavailable`, `timeout`, `protocol`, `store`, `sealed`. The old
   * secret stays then.
   */
  updateEndpointSecret(request: UpdateEndpointSecret, options?: CallOptions | undefined | null): Promise<Connection>
  /**
   * Begins to register the account through a person's consent in the browser, or to re-authenticate such a
   * registration: send the person's browser to the URL of the answer, and give the address that it comes back
   * to to `complete`, within ten minutes, in any process that shares the store. Nothing is sent to anybody.
   *
   * Rejects with `invalid_input` for what is missing or not allowed, also for a redirect URL that another
   * registration uses; `not_found` without the account; `already_registered` naming the instance that holds
   * it; `store`, `sealed`.
   */
  authorize(request: AuthorizeRequest, options?: CallOptions | undefined | null): Promise<Authorization>
  /**
   * Finishes an authorization with the address that the browser came back to: exchange, connection test, save.
   * It goes on to its end when the call is aborted.
   *
   * Rejects with `consent_denied` when the person did not allow it; `flow_expired` for a callback that is too
   * late, repeated, forged, or from another browser session (context `reason`); `invalid_input` for one that is
   * not ours or incomplete; `illegal_state` when another person signed in than the last time; `unauthorized`
   * when the token endpoint refuses the code; else as `register`. Nothing has changed then.
   */
  complete(request: Complete, options?: CallOptions | undefined | null): Promise<Authorized>
  /**
   * Gives an authorization up: a later callback of it is refused. Without effect when it has ended.
   *
   * Rejects with `not_found` for a flow that nobody began, `store`.
   */
  abandon(flowId: string, options?: CallOptions | undefined | null): Promise<void>
  /**
   * Begins an authorization as `authorize` does, with a listener on loopback in this process: open the address
   * in any browser of this machine, and wait with `waitFor`.
   *
   * Rejects as `authorize`; with `unavailable` when the port of the redirect URL is taken.
   */
  listen(request: AuthorizeRequest, options?: CallOptions | undefined | null): Promise<Authorization>
  /**
   * Waits for what a listener hears. When the time is over, or the call is aborted, the listener ends and the
   * flow is given up; a callback that came before is finished. A signal that was aborted before the call changes
   * nothing: the listener and the flow stay, and `abandon` ends them.
   *
   * Rejects as `complete`; with `timeout` when nobody came back; `not_found` when no listener of this client
   * belongs to the flow.
   */
  waitFor(request: WaitFor, options?: CallOptions | undefined | null): Promise<Authorized>
  /**
   * Registers the account through a person's consent, on this machine: opens the system's browser, listens on
   * loopback for its return, shows it a page that says what happened, and ends. Abort the call to give it up.
   *
   * Rejects as `authorize` and `complete`; with `timeout` when nobody came back, such as when the window was
   * closed; `unavailable` when the port is taken or there is no browser: use `listen` or `authorize` then, and
   * open the address by hand.
   */
  authorizeInBrowser(request: AuthorizeInBrowserRequest, options?: CallOptions | undefined | null): Promise<Authorized>
  /**
   * Checks every registration, of one account or of all, as `check` does, and tells the progress by events of
   * kind `progress`. What is wrong with one registration stands in the summary and does not stop the others.
   *
   * Rejects with `invalid_input`, `store`, `sealed`.
   */
  checkAll(request?: CheckAll | undefined | null, options?: CallOptions | undefined | null): Promise<CheckSummary>
}

/** Sources that alerts are fetched from, Monitor and the notifications of Citrix Cloud: `client.sources`. */
export declare class Sources {
  /**
   * Looks once for news of a source and submits what is new; call it on a schedule of your own, a minute apart
   * or more. What it read is stored durably before it moves on: nothing is lost when it is ended half-way, and
   * what it reads twice is one alert. Only one look at a time is made per account and source, over all
   * processes that share the store. Do not take the notifications of Citrix Cloud both here and by a webhook:
   * they could become two alerts.
   *
   * Rejects with `not_found` when the account was not added; `unauthorized`, `forbidden`, `throttled`,
   * `unavailable`, `timeout`, `protocol`, `store`. What was submitted until then stays, and the next look goes
   * on from there.
   */
  poll(request: PollSource, options?: CallOptions | undefined | null): Promise<SweepReport>
}

/** Events as they happen, one by one: for `for await`. */
export declare class Subscription {
  /**
   * The next event; done when the client is closed. A subscriber that lets more than 1,024 events wait misses the
   * oldest and is told so by an event of kind `progress`.
   */
  next(options?: CallOptions): Promise<IteratorResult<Event, undefined>>
}

/** Webhook subscriptions at Citrix Cloud: `client.webhooks`. */
export declare class Webhooks {
  /**
   * Subscribes to events of the account: Citrix Cloud will send them to the URL. Give each callback, with the
   * authorization that you chose, to `alerts.submitWebhook`.
   *
   * Rejects with `not_found` when the account was not added; `invalid_input`; `outcome_unknown` when it may
   * have been made and cannot be found; `unauthorized`, `forbidden`, `throttled`, `unavailable`, `timeout`,
   * `protocol`.
   */
  create(request: CreateWebhook, options?: CallOptions | undefined | null): Promise<Webhook>
  /**
   * All webhook subscriptions of the account, whoever made them. What callbacks carry as authorization is not
   * told.
   *
   * Rejects with `not_found` when the account was not added; `unauthorized`, `forbidden`, `throttled`,
   * `unavailable`, `timeout`, `protocol`.
   */
  list(customerId: string, options?: CallOptions | undefined | null): Promise<Array<Webhook>>
  /**
   * Ends a subscription. One that is gone already is no failure.
   *
   * Rejects as `list`.
   */
  remove(request: WebhookId, options?: CallOptions | undefined | null): Promise<void>
}

/**
 * A worker at work. It does not keep a process alive, and works on when nobody refers to it, until it is stopped, its
 * client is closed or its thread ends; who waits for its end does keep the process alive.
 */
export declare class Worker {
  /**
   * Takes nothing more, finishes what is in hand, and resolves when that is done: at most the time of one call
   * (`totalTimeoutMs`). What could not be finished is given back and waits for the next worker. Stopping twice is
   * allowed. Aborting ends the waiting, not the stop; a signal that was aborted before stops all the same.
   *
   * Rejects with `internal` when the worker ended in a panic.
   */
  stop(options?: CallOptions): Promise<void>
  /**
   * Resolves when the worker has ended: after `stop`, or when the client was closed. Aborting ends the waiting.
   *
   * Rejects as `stop`.
   */
  ended(options?: CallOptions): Promise<void>
}

/** A browser that came back. */
export interface Complete {
  /** The whole address that it came back to. */
  callbackUrl: string
  /** What was given as `session` when the authorization began. */
  session?: Secret
}

/** An account and an instance: what a connection is known by. */
export interface ConnectionId {
  /** The account. */
  customerId: string
  /** The instance's address, as people type it. */
  instanceUrl: string
}

/**
 * Addresses from which the adapter of Citrix Cloud calls an instance, to be allowed there. Empty where Citrix
 * publishes none.
 */
export declare function egressRanges(environment: Environment): Array<string>

/** An alert to be explained. */
export interface ExplainPolicy {
  /** The alert. */
  alert: SubmitAlert
  /** When it would come (now). */
  at?: Date
  /** A policy to be asked instead of the account's: a JSON document, or its object. */
  document?: string | object
}

/**
 * Sends the adapter's log lines, down to this level, to a function; a later call replaces the earlier one, for
 * the whole process with all its threads. Does not keep the process alive. False when the lines go elsewhere.
 */
export declare function forwardLogs(level: LogLevel, callback: (line: LogLine) => void): boolean

/** One record of a table. */
export interface GetRecord {
  /** The account, registered with the instance that holds the table. */
  customerId: string
  /** The table's name, such as `incident`. */
  table: string
  /** Id of the record, 32 hexadecimal digits. */
  sysId: string
  /** The columns to give back (all). */
  fields?: Array<string>
}

/** A record to make. */
export interface InsertRecord {
  /** The account, registered with the instance that holds the table. */
  customerId: string
  /** The table's name, such as `incident`. */
  table: string
  /** Columns and their values. */
  record: Record<string, string>
  /** The columns to give back (all). */
  fields?: Array<string>
}

/** Records to make. */
export interface InsertRecords {
  /** The account, registered with the instance that holds the table. */
  customerId: string
  /** The table's name, such as `incident`. */
  table: string
  /** Columns and their values, of each record. */
  records: ReadonlyArray<Record<string, string>>
  /** The columns to give back (all). */
  fields?: Array<string>
  /** How many records are under way at a time, 1 to 1000 (64). */
  inFlight?: number
}

/** Which deliveries. */
export interface ListDeliveriesOptions {
  /** Only those of this account. */
  customerId?: string
  /** Only those in one of these statuses. */
  statuses?: Array<DeliveryStatus>
  /** The `next` of the page before. */
  after?: string
  /** How many items a page holds at the most, 1 to 1000 (100). */
  limit?: number
}

/** Which part of a list, of one account or of all. */
export interface ListOfAccountOptions {
  /** Only what belongs to this account. */
  customerId?: string
  /** The `next` of the page before. */
  after?: string
  /** How many items a page holds at the most, 1 to 1000 (100). */
  limit?: number
}

/** Which part of a list. */
export interface ListOptions {
  /** The `next` of the page before. */
  after?: string
  /** How many items a page holds at the most, 1 to 1000 (100). */
  limit?: number
}

/** One line of the adapter's log. */
export interface LogLine {
  /** How much it matters. */
  level: LogLevel
  /** The part of the adapter that wrote it. */
  target: string
  /** The line, without secrets. */
  message: string
}

/** What a relocation takes beside a registration. */
export interface Moving {
  /** The old address of the instance. */
  fromInstanceUrl: string
}

/** One page of a walk over records. */
export interface PageRecords {
  /** The account, registered with the instance that holds the table. */
  customerId: string
  /** The table's name, such as `incident`. */
  table: string
  /** Conditions that must all be met (none). */
  query?: Array<Condition>
  /** The columns to give back (all); `sys_id` always comes along. */
  fields?: Array<string>
  /** How many records a page holds at the most, 1 to 10,000 (1000). */
  size?: number
  /** The `next` of the page before. */
  after?: string
}

/** How long to wait for a person. */
export interface Patience {
  /** How long the person may take, in milliseconds (600,000, and no more). */
  timeoutMs?: number
}

/** Which source to look at. */
export interface PollSource {
  /** The account. */
  customerId: string
  /** The source. */
  source: AlertSource
  /** Where to begin when the source was never looked at (a day back); without effect after that. */
  since?: Date
}

/** Records that match a query. */
export interface QueryRecords {
  /** The account, registered with the instance that holds the table. */
  customerId: string
  /** The table's name, such as `incident`. */
  table: string
  /** Conditions that must all be met (none). */
  query?: Array<Condition>
  /** The columns to give back (all). */
  fields?: Array<string>
  /** How many records at the most, 1 to 10,000 (100). */
  limit?: number
}

/** A policy for an account. */
export interface SetPolicy {
  /** The account. */
  customerId: string
  /** The policy: a JSON document, or its object. */
  document: string | object
}

/** A webhook callback whose form is the sender's own. */
export interface SubmitMapped {
  /** The account that it belongs to. */
  customerId: string
  /** The body of the callback, as it came. */
  body: string | Uint8Array
  /**
   * Says where in the body the fields of an alert are: a JSON document, or its object (the columns of the
   * connector's table Citrix Alert).
   */
  mapping?: string | object
  /** The value of its header `authorization`. */
  authorization?: string
  /** What the sender was told to send there; with it both must be equal. */
  expected?: Secret
}

/** A webhook callback of Citrix Cloud. */
export interface SubmitWebhook {
  /** The body of the callback, as it came. */
  body: string | Uint8Array
  /** The value of its header `authorization`. */
  authorization?: string
  /**
   * The value given as `authorization` when the webhook was made (Citrix calls it `authHeaders`); with it both must be
   * equal.
   */
  expected?: Secret
  /**
   * The account that the webhook was made for; with it, a body that names another account is refused. Without it
   * the body is believed.
   */
  customerId?: string
}

/** The new secret of an OAuth endpoint. */
export interface UpdateEndpointSecret {
  /** The account. */
  customerId: string
  /** The instance's address, as people type it. */
  instanceUrl: string
  /** The new client secret. */
  clientSecret: Secret
}

/** What to change of a record. */
export interface UpdateRecord {
  /** The account, registered with the instance that holds the table. */
  customerId: string
  /** The table's name, such as `incident`. */
  table: string
  /** Id of the record, 32 hexadecimal digits. */
  sysId: string
  /** Columns and their new values. */
  record: Record<string, string>
  /** The columns to give back (all). */
  fields?: Array<string>
}

/** A listener, and how long to wait for what it hears. */
export interface WaitFor {
  /** The flow, as `listen` named it. */
  flowId: string
  /** How long, in milliseconds (as long as the flow lives). */
  timeoutMs?: number
}

/** A webhook subscription of an account. */
export interface WebhookId {
  /** The account. */
  customerId: string
  /** Its id at Citrix Cloud. */
  webhookId: string
}

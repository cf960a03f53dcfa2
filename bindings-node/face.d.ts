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

'use strict'

// The face of the addon: promises that can be aborted, errors that are errors, records as objects, iterators.

const native = require('./index.js')
const { Accounts, Alerts, Client, Connections, Events, Instances, Records, Subscription, Worker } = native
const resources = [
  ...['accounts', 'instances', 'connections', 'registrations', 'alerts', 'policies', 'sources', 'webhooks'],
  ...['records', 'events'],
]

class ItsmError extends Error {
  constructor({ kind, message, ...details }) {
    super(message)
    Object.assign(this, { code: kind }, details)
  }
}
Object.defineProperty(ItsmError.prototype, 'name', { value: 'ItsmError', configurable: true, writable: true })

class AbortError extends Error {
  constructor(signal) {
    super('The operation was aborted', { cause: signal.reason })
    this.name = 'AbortError'
    this.code = 'ABORT_ERR'
  }
}

class RecordPage {
  #items
  constructor([json, next]) {
    this.json = json
    this.next = next ?? undefined
  }

  get items() {
    return (this.#items ??= JSON.parse(this.json))
  }
}

/** What a failure of the addon is in JavaScript: nothing for an abort, an `Error` for arguments, else the core's. */
function failed(failure, signal) {
  if (failure == null) return new AbortError(signal)
  if (!(failure instanceof Error)) return new ItsmError(failure)
  // The addon's message repeats the value, which can be a secret.
  const message = failure.message.replace(/(JavaScript|napi) value.*into rust type/s, 'the value into')
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' })
}

/** What is called when a signal fires: one listener for all calls, however many share the signal. */
const listening = new WeakMap()
function listened(signal) {
  let aborts = listening.get(signal)
  if (aborts === undefined) {
    listening.set(signal, (aborts = new Set()))
    signal.addEventListener('abort', () => aborts.forEach(abort => abort()), { once: true })
  }
  return aborts
}

/** Gives an operation of the addon, with one argument and the options of the call, its face. */
function face(owner, name, { before = same, after = same } = {}) {
  const operation = owner[name]
  const faced = async function (request, options) {
    const signal = options?.signal ?? undefined
    if (signal !== undefined && typeof signal.addEventListener !== 'function') {
      throw failed(new Error('The option signal must be an AbortSignal.'))
    }
    try {
      if (signal === undefined) return after(await operation.call(this, before(request)))
      if (signal.aborted) throw null
      const hook = {}
      const done = operation.call(this, before(request), hook)
      const aborts = listened(signal).add(hook.abort)
      try {
        return after(await done)
      } finally {
        aborts.delete(hook.abort)
      }
    } catch (failure) {
      throw failed(failure, signal)
    }
  }
  Object.defineProperty(owner, name, { value: Object.defineProperty(faced, 'name', { value: name }) })
}

const same = value => value
const written = name => request => request && { ...request, [name]: JSON.stringify(request[name]) }
/** What may be left out, where the addon cannot know it. */
const completed = defaults => request => (isObject(request) ? { ...defaults, ...request } : request)
const isObject = value => typeof value === 'object' && value !== null
/** An invalid date is a number to the addon; here it throws. */
const dated = name => request => (request?.[name]?.toISOString?.(), request)
const alert = request => completed({ description: '', state: 'raised', fields: {} })(dated('raisedAt')(request))
// Bytes of its own: the caller's may change while they are read.
const body = request =>
  request?.body instanceof Uint8Array ? { ...request, body: Uint8Array.from(request.body) } : request
const consent = completed({ allowAnotherUser: false })
const faces = {
  alerts: {
    submit: { before: alert },
    submitMany: { before: alerts => (Array.isArray(alerts) ? alerts.map(alert) : alerts) },
    submitWebhook: { before: body },
    submitMapped: { before: body },
  },
  policies: {
    explain: {
      before: request => (isObject(request) ? { ...dated('at')(request), alert: alert(request.alert) } : request),
    },
  },
  registrations: {
    authorize: { before: consent },
    listen: { before: consent },
    authorizeInBrowser: { before: consent },
  },
  sources: { poll: { before: dated('since') } },
  records: {
    get: { after: JSON.parse },
    query: { after: JSON.parse },
    page: { after: page => new RecordPage(page) },
    insert: { before: written('record'), after: JSON.parse },
    update: { before: written('record'), after: JSON.parse },
    insertMany: {
      before: written('records'),
      after: ([json, errors]) =>
        JSON.parse(json).map((value, i) =>
          errors[i] ? { status: 'rejected', reason: new ItsmError(errors[i]) } : { status: 'fulfilled', value },
        ),
    },
  },
}

for (const resource of resources) {
  const { prototype } = native[resource[0].toUpperCase() + resource.slice(1)]
  for (const name of Object.getOwnPropertyNames(prototype)) {
    if (name !== 'constructor') face(prototype, name, faces[resource]?.[name])
  }
  // The same object every time.
  const { get } = Object.getOwnPropertyDescriptor(Client.prototype, resource)
  Object.defineProperty(Client.prototype, resource, {
    get() {
      const value = get.call(this)
      Object.defineProperty(this, resource, { value })
      return value
    },
  })
}

async function* iterate(request, options) {
  let after = request?.after
  do {
    const page = await this.list({ ...request, after }, options)
    yield* page.items
    after = page.next
  } while (after != null)
}
for (const list of [Accounts, Instances, Connections, Alerts, Events]) list.prototype.iterate = iterate

Records.prototype.pages = async function* pages(request, options) {
  let page = await this.page(request, options)
  while (page.next !== undefined) {
    yield page
    page = await this.page({ ...request, after: page.next }, options)
  }
}

face(Client, 'open')
face(Client.prototype, 'rotateKey')
face(Client.prototype, 'panicOnPurpose')
face(Subscription.prototype, 'next', { after: value => ({ done: value == null, value: value ?? undefined }) })

for (const name of ['stop', 'ended']) {
  face(Worker.prototype, name)
  const operation = Worker.prototype[name]
  const faced = function (options) {
    return operation.call(this, undefined, options)
  }
  Object.defineProperty(Worker.prototype, name, { value: Object.defineProperty(faced, 'name', { value: name }) })
}
Worker.prototype[Symbol.asyncDispose] = function () {
  return this.stop()
}

/** A callback whose failures are told as warnings of the process, and nowhere else. */
function told(callback) {
  if (typeof callback !== 'function') throw failed(new Error('The callback must be a function.'))
  return async value => {
    try {
      await callback(value)
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : `An observer threw ${typeof error}.`)
    }
  }
}

const { observe, unobserve, subscribe, close } = Client.prototype
const { next } = Subscription.prototype

class Observation {
  #client
  constructor(client, callback) {
    this.#client = client
    this.id = observe.call(client, told(callback))
  }

  [Symbol.dispose]() {
    this.#client.unobserve(this)
  }
}

Object.assign(Client.prototype, {
  observe(callback) {
    return new Observation(this, callback)
  },
  unobserve(observation) {
    if (!(observation instanceof Observation)) throw failed(new Error('What observe gave back is needed.'))
    unobserve.call(this, observation.id)
  },
  subscribe(options) {
    const subscription = subscribe.call(this)
    const value = each => next.call(subscription, undefined, each ?? options)
    return Object.defineProperty(subscription, 'next', { value })
  },
  [Symbol.dispose]: close,
  async [Symbol.asyncDispose]() {
    this.close()
  },
})

Object.assign(Subscription.prototype, {
  async return() {
    return { done: true, value: undefined }
  },
  [Symbol.asyncIterator]() {
    return this
  },
})

const { Policies, Registrations, Sources, Webhooks, egressRanges } = native
module.exports = {
  ...{ Client, Accounts, Instances, Connections, Registrations, Alerts, Worker, Policies, Sources, Webhooks },
  ...{ Records, Events, Subscription },
  ...{ AbortError, ItsmError, RecordPage, egressRanges },
  forwardLogs: (level, callback) => native.forwardLogs(level, told(callback)),
}

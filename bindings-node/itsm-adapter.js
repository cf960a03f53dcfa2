'use strict'

// The face of the addon: promises that can be aborted, errors that are errors, records as objects, iterators.

const native = require('./index.js')
const { Accounts, Alerts, Client, Connections, Events, Instances, Records, Subscription, Walk, Worker } = native
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

/** The options that are numbers. The addon would take any number modulo 2^32. */
const numbers = new Set([
  ...['connectTimeoutMs', 'attemptTimeoutMs', 'totalTimeoutMs', 'transactionLimitMs', 'wakeUpIntervalMs', 'timeoutMs'],
  ...['accessTokenLifespanS', 'refreshTokenLifespanS', 'grantWarningDays', 'keepDeliveriesDays', 'keepDeadLettersDays'],
  ...['keepEventsDays', 'maxAttempts', 'concurrencyPerRemote', 'concurrency', 'pollIntervalMs', 'giveUpAfterMs'],
  ...['batchSize', 'limit', 'size', 'inFlight'],
])
const isOutOfRange = value => typeof value === 'number' && value !== value >>> 0
function counted(request) {
  if (!isObject(request) || Array.isArray(request)) return
  for (const name in request) {
    if (!numbers.has(name)) continue
    const given = request[name]
    const value = Array.isArray(given) ? given.find(isOutOfRange) : given
    if (!isOutOfRange(value)) continue
    const message = `The option ${name} must be a whole number from 0 to 4294967295, not ${value}.`
    throw Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' })
  }
  if (Array.isArray(request.oauthServers)) request.oauthServers.forEach(counted)
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
    counted(request)
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
function completed(defaults) {
  return request => {
    if (!isObject(request)) return request
    const complete = { ...request }
    for (const name in defaults) complete[name] ??= defaults[name]
    return complete
  }
}
/** A document is text, or the object that it says. */
const documented = name => request => (isObject(request?.[name]) ? written(name)(request) : request)
const isObject = value => typeof value === 'object' && value !== null
/** An invalid date is a number to the addon; here it throws. */
const dated = name => request => (request?.[name]?.toISOString?.(), request)
const alert = request => completed({ description: '', state: 'raised', fields: {} })(dated('raisedAt')(request))
// Bytes of its own: the caller's may change while they are read.
const body = request =>
  request?.body instanceof Uint8Array ? { ...request, body: Uint8Array.from(request.body) } : request
const consent = completed({ allowAnotherUser: false })
/** Inspected, the address of an authorization has no state value; who reads it has. */
function discreet(authorization) {
  const value = function () {
    return { ...this, authorizationUrl: this.authorizationUrl.replace(/([?&]state=)[^&]*/, '$1***') }
  }
  return Object.defineProperty(authorization, Symbol.for('nodejs.util.inspect.custom'), { value })
}
const faces = {
  alerts: {
    submit: { before: alert },
    submitMany: { before: alerts => (Array.isArray(alerts) ? alerts.map(alert) : alerts) },
    submitWebhook: { before: body },
    submitMapped: { before: request => documented('mapping')(body(request)) },
  },
  policies: {
    set: { before: documented('document') },
    explain: {
      before: request =>
        isObject(request) ? { ...dated('at')(documented('document')(request)), alert: alert(request.alert) } : request,
    },
  },
  registrations: {
    authorize: { before: consent, after: discreet },
    listen: { before: consent, after: discreet },
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

face(Walk.prototype, 'next', { after: page => page && new RecordPage(page) })
const { pages: walk } = Records.prototype
async function* pages(request, options) {
  const walked = await walk.call(this, request, options)
  try {
    for (let page; (page = await walked.next(undefined, options)); ) yield page
  } finally {
    walked.end()
  }
}
Object.defineProperty(Records.prototype, 'pages', { value: pages })

face(Client, 'open')
face(Client.prototype, 'rotateKey')
face(Client.prototype, 'panicOnPurpose')
face(Subscription.prototype, 'next', { after: value => ({ done: value == null, value: value ?? undefined }) })

face(Worker.prototype, 'ended')
const { stop, ended } = Worker.prototype
Object.defineProperties(Worker.prototype, {
  stop: {
    async value(options) {
      stop.call(this)
      return ended.call(this, undefined, options)
    },
  },
  ended: {
    value(options) {
      return ended.call(this, undefined, options)
    },
  },
})
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

/** What the addon refuses at once, as what it refuses by a promise. */
function refused(call) {
  try {
    return call()
  } catch (failure) {
    throw failed(failure)
  }
}

const { Policies, Registrations, Sources, Webhooks } = native
module.exports = {
  ...{ Client, Accounts, Instances, Connections, Registrations, Alerts, Worker, Policies, Sources, Webhooks },
  ...{ Records, Events, Subscription },
  ...{ AbortError, ItsmError, RecordPage },
  egressRanges: environment => refused(() => native.egressRanges(environment)),
  forwardLogs: (level, callback) => refused(() => native.forwardLogs(level, told(callback))),
}

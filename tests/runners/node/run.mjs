// Runs tests/scenarios/*.json through the npm package: translates a step into a call, compares, nothing else.
// Usage: node run.mjs [STORY...]
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, ItsmError, egressRanges } from '../../../bindings-node/itsm-adapter.mjs'
import { simulator } from '../../../bindings-node/test/simulator.mjs'

for (const name of Object.keys(process.env)) {
  if (/^(ITSM_ADAPTER_|CITRIX_|SERVICENOW_)|_proxy$/i.test(name)) delete process.env[name]
}
const folder = new URL('../../scenarios/', import.meta.url)
const read = name => JSON.parse(readFileSync(new URL(name, folder), 'utf8'))
const common = read('common.json')
const world = await simulator(...common.simulator)
const secrets = [...world.accounts, ...world.users, ...world.oauth_clients].flatMap(each => [each.client_secret, each.password]).filter(Boolean)

// Operations whose one argument is not an object of arguments.
const SOLE =
  /^(accounts\.(get|test|entitlement|disable|enable|remove)|instances\.get|registrations\.(abandon|probe)|policies\.(get|remove)|webhooks\.list|alerts\.(submit|submit_many|deliver|get|replay|lag))$/
const camel = text => text.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase())
const snake = text => text.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
// What is null is left out.
const cased = object => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null).map(([name, value]) => [camel(name), value]))
const dated = text => text && new Date(text)
function alerted(given) {
  const alert = cased(given)
  return { ...alert, raisedAt: dated(alert.raisedAt) }
}

function snaked(value) {
  if (Array.isArray(value)) return value.map(snaked)
  if (value === null || typeof value !== 'object') return value ?? null
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [snake(name), snaked(each)]))
}

class Failed extends Error {}
const fail = (expected, actual) => {
  throw new Failed(`expected ${JSON.stringify(expected)}\n    there was ${JSON.stringify(actual)}`)
}

/** The value as JSON, after looking for secrets. */
function plain(value) {
  const text = JSON.stringify(snaked(JSON.parse(JSON.stringify(value ?? null))))
  if (secrets.some(secret => text.includes(secret))) throw new Failed('a secret is in what the adapter said')
  return JSON.parse(text)
}

function told(error) {
  if (!(error instanceof ItsmError)) throw error
  const { code: kind, message, remedy, operation, transactionId = null, attempts, retryable, retryAfterMs = null, context } = error
  const info = plain({ kind, message, remedy, operation, transactionId, attempts, retryable, retryAfterMs, context })
  const longest = Math.max(...[info, info.context].flatMap(Object.values).map(value => (typeof value === 'string' ? value.length : 0)))
  return longest > 4096 ? fail('texts of at most 4096 characters', longest) : info
}

async function call(client, operation, given, { signal, workers, worker } = {}) {
  const [resource, name] = operation.split('.')
  const args = cased(given)
  if (args.alert) args.alert = alerted(args.alert)
  if (args.alerts) args.alerts = args.alerts.map(alerted)
  for (const instant of ['at', 'since']) if (args[instant]) args[instant] = dated(args[instant])
  if (resource === 'worker') return workers[worker][name]({ signal })
  if (operation === 'client.egress_ranges') return egressRanges(args.environment)
  if (operation === 'client.rotate_key') return client.rotateKey(args.newKey, { signal })
  if (operation === 'client.is_closed') return client.isClosed
  const request = SOLE.test(operation) ? Object.values(args)[0] : args
  const result = client[resource][camel(name)](request, { signal })
  if (operation === 'records.pages') {
    const all = []
    for await (const page of result) all.push(...page.items)
    return all
  }
  const value = await result
  if (operation === 'alerts.run') return void (workers[worker] = value)
  if (operation === 'records.page') return { items: value.items, next: value.next }
  if (operation !== 'records.insert_many') return value
  return value.map(each => (each.status === 'fulfilled' ? { record: each.value } : { error: told(each.reason) }))
}

/** Whether the value has the pattern. */
function matches(value, pattern) {
  if (pattern === null || typeof pattern !== 'object') return (value ?? null) === pattern
  if (Array.isArray(pattern)) {
    return Array.isArray(value) && value.length === pattern.length && pattern.every((each, i) => matches(value[i], each))
  }
  const entries = Object.entries(pattern)
  if (!entries.some(([name]) => name.startsWith('$'))) {
    return value !== null && typeof value === 'object' && entries.every(([name, each]) => matches(value[name], each))
  }
  const holds = x => (typeof value === 'string' ? value.includes(x) : (value ?? []).some(each => matches(each, x)))
  const matchers = {
    $present: () => value != null,
    $contains: x => value != null && [x].flat().every(holds),
    $lacks: x => value != null && ![x].flat().some(holds),
    $starts_with: x => typeof value === 'string' && value.startsWith(x),
    $length: x => value != null && matches(typeof value === 'string' ? [...value].length : value.length, x),
    $at_least: x => typeof value === 'number' && value >= x,
    $at_most: x => typeof value === 'number' && value <= x,
    $each: x => Array.isArray(value) && value.every(each => matches(each, x)),
    $one_of: x => x.some(each => matches(value, each)),
  }
  return entries.every(([name, x]) => (matchers[name] ?? fail('a known matcher', name))(x))
}

const at = (value, path) =>
  path === '' ? value : path.split('/').reduce((part, name) => (part != null && name in part ? part[name] : fail(`the path ${path}`, value)), value)

/** The value with its variables. */
function filled(value, variables) {
  if (typeof value === 'string') {
    const whole = /^\$\{([^}]*)\}$/.exec(value)
    return whole ? at(variables, whole[1]) : value.replace(/\$\{([^}]*)\}/g, (_, path) => String(at(variables, path)))
  }
  if (Array.isArray(value)) return value.map(each => filled(each, variables))
  if (value === null || typeof value !== 'object') return value
  const object = Object.fromEntries(Object.entries(value).map(([name, each]) => [name, filled(each, variables)]))
  if ('$json' in object) return JSON.stringify(object.$json)
  return '$repeat' in object ? object.$repeat[0].repeat(object.$repeat[1]) : object
}

/** Asks until the answer holds, 5 seconds at the most. */
async function eventually(look) {
  for (const end = Date.now() + 5000; ; ) {
    const [holds, expected, actual] = await look()
    if (holds) return
    if (Date.now() > end) fail(expected, actual)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

async function run(scenario, row) {
  const directory = mkdtempSync(join(tmpdir(), 'itsm-'))
  const variables = {
    ...{ citrix_url: world.citrix_url, control_url: world.control_url, instances: world.instances },
    accounts: Object.fromEntries(world.accounts.map(account => [account.customer_id, account])),
    users: Object.fromEntries([...world.users].reverse().map(user => [user.user_name, user])),
    clients: {},
    store_file: join(directory, 'store.db'),
  }
  for (const client of world.oauth_clients) (variables.clients[client.instance] ??= []).push(client)
  variables.row = filled(row, variables)
  const clients = {}, events = {}, started = {}, subscriptions = {}, workers = {}
  const outcomeOf = work => Promise.resolve(work).then(value => ({ value: plain(value) }), error => ({ error: told(error) }))
  const meets = (outcome, { expect, error }) =>
    error === undefined ? !outcome.error && (expect === undefined || matches(outcome.value, expect)) : !!outcome.error && matches(outcome.error, error)

  async function open(name, options = {}) {
    clients[name]?.close()
    const all = { ...common.client, ...scenario.client, ...options }
    const { oauthServers, ...rest } = cased(filled(all, variables))
    const client = (clients[name] = await Client.open({ ...rest, oauthServers: oauthServers?.map(cased) }))
    client.observe(event => events[name].push(plain(event)))
    events[name] = []
  }

  const kinds = {
    call: ({ call: operation, on = 'main', with: args = {}, worker, parallel, ...rest }) => async () => {
      const begin = () => outcomeOf(call(clients[on], operation, args, { workers, worker }))
      if (parallel === undefined) return begin()
      const { winners, ...wanted } = rest
      const outcomes = await Promise.all(Array.from({ length: parallel }, begin))
      const won = winners === undefined ? outcomes.filter(each => meets(each, wanted)) : outcomes.filter(each => meets(each, { expect: wanted.expect }))
      const lost = outcomes.filter(each => !won.includes(each))
      if (won.length !== (winners ?? parallel) || !lost.every(each => meets(each, { error: wanted.error }))) fail({ parallel, ...rest }, outcomes)
      return outcomes[0]
    },
    open: ({ open: options, on = 'main' }) => () => outcomeOf(open(on, options)),
    close: ({ on = 'main' }) => () => clients[on].close(),
    start: ({ start, call: operation, on = 'main', with: args = {}, worker }) => () => {
      const abort = new AbortController()
      started[start] = { abort, done: call(clients[on], operation, args, { signal: abort.signal, workers, worker }) }
      started[start].done.catch(() => {})
    },
    await: ({ await: name }) => () => outcomeOf(started[name].done),
    cancel: ({ cancel }) => async () => {
      started[cancel].abort.abort()
      await started[cancel].done.catch(() => {})
    },
    subscribe: ({ subscribe, on = 'main' }) => () => void (subscriptions[subscribe] = clients[on].subscribe()),
    next: ({ next }) => async () => ({ value: plain((await subscriptions[next].next()).value) }),
    events: ({ events: pattern, on = 'main' }) => async () => {
      await eventually(() => [matches(events[on], pattern), pattern, events[on]])
      events[on] = []
    },
    control: ({ control, body, status = 200 }) => async () => {
      const [method, path] = control.split(' ')
      const answer = await fetch(world.control_url + path, { method, body: body && JSON.stringify(body) })
      return answer.status === status ? { value: await answer.json() } : fail(status, answer.status)
    },
    requests: ({ requests: pattern, count, expect }) => () =>
      eventually(async () => {
        const log = (await (await fetch(`${world.control_url}/requests`)).json()).requests.filter(each => matches(each, pattern))
        return [(count === undefined || matches(log.length, count)) && (expect === undefined || matches(log, expect)), { count, expect }, log]
      }),
    visit: ({ visit }) => async () => {
      const answer = await fetch(visit, { redirect: 'manual' })
      return { value: { status: answer.status, body: await answer.text() } }
    },
    use: ({ use }) => async () => {
      for (const each of common.recipes[use]) await step(each)
    },
  }
  const modifiers = ['with', 'on', 'expect', 'error', 'save', 'parallel', 'winners', 'worker', 'body', 'status', 'count', 'note']

  async function step(template) {
    const { note, save, ...given } = template
    const unknown = Object.keys(template).find(name => !(name in kinds) && !modifiers.includes(name))
    if (unknown) fail('a step of this page', unknown)
    const kind = 'start' in given ? 'start' : Object.keys(kinds).find(kind => kind in given)
    const filledIn = filled(given, variables)
    let timer
    const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Failed('the step took 60 seconds')), 60_000)))
    const outcome = await Promise.race([kinds[kind](filledIn)(), late]).finally(() => clearTimeout(timer))
    if (['call', 'await', 'open', 'next', 'control', 'visit'].includes(kind) && filledIn.winners === undefined && !meets(outcome, filledIn)) {
      fail(filledIn.error ? { error: filledIn.error } : (filledIn.expect ?? 'success'), outcome)
    }
    for (const [name, path] of Object.entries(save ?? {})) variables[name] = at(outcome.value, path)
  }

  try {
    await fetch(`${world.control_url}/reset`, { method: 'POST' })
    await open('main')
    for (const [i, each] of scenario.steps.entries()) {
      await step(each).catch(error => {
        throw new Failed(`step ${i + 1}: ${error instanceof Failed ? error.message : error.stack}`)
      })
    }
  } finally {
    for (const client of Object.values(clients)) client.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

let [passed, failed] = [0, 0]
for (const file of readdirSync(folder).filter(name => name.endsWith('.json')).sort()) {
  const { story, scenarios } = read(file)
  if (!story || (process.argv.length > 2 && !process.argv.slice(2).includes(file.replace('.json', '')))) continue
  for (const scenario of scenarios) {
    for (const row of scenario.each ?? [null]) {
      try {
        await run(scenario, row)
        passed++
      } catch (error) {
        failed++
        console.error(`FAIL ${story}: ${scenario.name}${row ? ` (${row.name})` : ''}\n    ${error.message}`)
      }
    }
  }
}
world.stop()
console.log(`node: ${passed} scenarios passed, ${failed} failed`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0

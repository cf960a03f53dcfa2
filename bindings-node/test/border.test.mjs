// What goes over the border: values of every kind, errors, secrets, panics.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { inspect } from 'node:util'
import { Client, ItsmError, forwardLogs } from 'itsm-adapter'
import { options, requests, resources, simulator } from './simulator.mjs'

let world, client, account, registration
before(async () => {
  world = await simulator()
  client = await Client.open(options(world))
  ;({ account, registration } = requests(world))
})
after(() => {
  client.close()
  world.stop()
})

const typeError = message => ({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message })

test('a wrong type is a TypeError that names the field and never repeats the value', async () => {
  await assert.rejects(client.accounts.get(undefined), typeError(/String/))
  await assert.rejects(client.accounts.add({}), typeError(/customerId/))
  await assert.rejects(client.accounts.add(null), typeError(/null/))
  await assert.rejects(client.accounts.add({ ...account, clientSecret: 8675309 }), error => {
    assert.match(error.message, /AddAccount\.clientSecret/)
    assert.doesNotMatch(inspect(error), /8675309/)
    return true
  })
  await assert.rejects(client.accounts.get(account), error => !inspect(error).includes(account.clientSecret))
  await assert.rejects(client.accounts.add({ ...account, environment: 'mars' }), typeError(/Environment/))
  await assert.rejects(client.accounts.get('a', { signal: 1 }), typeError(/AbortSignal/))
  assert.throws(() => client.observe('x'), typeError(/function/))
  assert.throws(() => client.unobserve(1), typeError(/observe/))
})

test('a number that the addon would take for another one is a RangeError, and nothing is done', async () => {
  const rangeError = (name, value) => ({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE', message: new RegExp(`${name} .* ${value}\\.`) })
  for (const value of [NaN, Infinity, -Infinity, -1, 1.5, 2 ** 32, 2 ** 53]) {
    await assert.rejects(client.alerts.drain({ giveUpAfterMs: value }), rangeError('giveUpAfterMs', value))
    await assert.rejects(Client.open({ ...options(world), grantWarningDays: [30, value] }), rangeError('grantWarningDays', value))
    await assert.rejects(Client.open({ ...options(world), oauthServers: [{}, { accessTokenLifespanS: value }] }), rangeError('accessTokenLifespanS', value))
  }
  // Every option that is a number, wherever a class takes it.
  const types = readFileSync(new URL('../index.d.ts', import.meta.url), 'utf8').replace(/\/\*\*[^]*?\*\//g, '')
  const bodies = new Map([...types.matchAll(/^export (?:declare class|interface|type) (\w+)\b(?: extends [\w, ]+ \{| = |[^{=]*\{)([^]*?)(?:^}|\n\n)/gm)].map(([text, name]) => [name, text]))
  const taken = new Set([...types.matchAll(/^  (?:static )?\w+\(([^()]*)\): /gm)].flatMap(([, parameters]) => parameters.match(/\b[A-Z]\w+/g) ?? []))
  for (const name of taken) for (const inner of bodies.get(name)?.match(/\b[A-Z]\w+/g) ?? []) if (bodies.has(inner)) taken.add(inner)
  const numbers = [...taken].flatMap(name => [...(bodies.get(name) ?? '').matchAll(/^  (\w+)\??: (?:Array<)?number/gm)].map(([, option]) => option))
  assert.ok(numbers.length > 20 && numbers.includes('refreshTokenLifespanS') && numbers.includes('inFlight'), numbers.join())
  for (const name of numbers) {
    await assert.rejects(client.alerts.list({ [name]: -1 }), rangeError(name, -1))
    await client.alerts.list({ after: undefined, ...(name !== 'limit' && { [name]: 2 ** 32 - 1 }) })
  }
})

test('no value crashes', async () => {
  const values = [undefined, null, true, 0, -1, NaN, 2 ** 53, 1n, '', '\ud800', '\0', 'x'.repeat(2_000_000), Symbol('x'), [], {}, () => {}, new Date(NaN), new Uint8Array(9), new Proxy({}, { get: () => assert.fail('a trap') })]
  const closed = await Client.open({ store: 'memory' })
  closed.close()
  for (const resource of resources) {
    for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(closed[resource]))) {
      if (['constructor', 'iterate', 'pages'].includes(name)) continue
      for (const value of values) {
        await assert.rejects(closed[resource][name](value), Error)
        await assert.rejects(closed[resource][name]({ ...account, ...registration, table: value, record: value, records: value, fields: value, alert: value, body: value }), Error)
      }
    }
  }
})

test('hostile text is refused or not found, and said back in short', async () => {
  const texts = ['', '\0', 'a\0b', '\r\nX: y', '../..', '😀', '\ud800', '\u202e', '%00', "'; drop table accounts; --", '{}', '^ORsys_idISNOTEMPTY', 'ä'.repeat(5_000_000), '\u0301'.repeat(100_000)]
  for (const text of texts) {
    const calls = {
      invalid_input: [
        client.accounts.get(text),
        client.instances.get(text),
        client.connections.get({ customerId: text, instanceUrl: text }),
        client.accounts.add({ ...account, customerId: text, clientId: text, name: text }),
        client.alerts.submitWebhook({ body: text }),
      ],
      not_found: [client.alerts.get(text)],
    }
    for (const [code, all] of Object.entries(calls)) {
      for (const [at, call] of all.entries()) {
        const error = await call.then(() => assert.fail(`${code} ${at} was taken`), error => error)
        assert.ok([code, 'not_found'].includes(error.code), `${code} ${at}: ${inspect(error).slice(0, 500)}`)
        assert.ok(error.message.length < 1000)
      }
    }
  }
})

test('an error says all that the core knows, and who called', async () => {
  async function caller() {
    await client.accounts.get('nobody')
  }
  const error = await caller().catch(error => error)
  assert.ok(error instanceof ItsmError && error instanceof Error)
  assert.equal(error.name, 'ItsmError')
  assert.equal(error.code, 'not_found')
  assert.equal(error.operation, 'accounts.get')
  assert.equal(error.retryable, false)
  assert.equal(error.attempts, 0)
  assert.equal(error.transactionId, undefined)
  assert.deepEqual(error.context, {})
  assert.match(error.message, /no account nobody/)
  assert.match(error.remedy, /Add the account/)
  assert.match(error.stack, /at async caller/)
  const wrong = await client.accounts.add({ ...account, clientSecret: 'wrong' }).catch(error => error)
  assert.equal(wrong.code, 'unauthorized')
  assert.ok(wrong.transactionId)
  assert.equal(wrong.attempts, 1)
})

test('a throttled call tells how long to wait', async () => {
  await world.ask('POST /faults', { on: 'citrix', route: 'token', fault: 'throttle', retry_after_s: 7, times: null })
  const impatient = await Client.open({ ...options(world), maxAttempts: 1 })
  const error = await impatient.accounts.add(account).catch(error => error)
  await world.ask('DELETE /faults')
  assert.deepEqual([error.code, error.retryable, error.retryAfterMs], ['throttled', true, 7000])
})

test('a panic is an error of kind internal, and the client goes on', async () => {
  await assert.rejects(client.panicOnPurpose(), { name: 'ItsmError', code: 'internal' })
  assert.deepEqual((await client.instances.list()).items, [])
})

test('no secret is shown by anything', async () => {
  const lines = []
  forwardLogs('trace', line => lines.push(line))
  await client.accounts.add(account)
  const connection = await client.registrations.register(registration)
  const shown = inspect([client, client.accounts, connection, lines, await client.events.list(), await client.connections.list()], { depth: 9, showHidden: true })
  for (const secret of [account.clientSecret, registration.clientSecret, registration.password]) assert.ok(!shown.includes(secret))
  assert.ok(lines.some(line => line.level === 'info' && line.target.startsWith('itsm_adapter') && /registered/i.test(line.message)))
})

test('values come back as JavaScript has them', async () => {
  const connection = await client.connections.get(registration)
  assert.ok(connection.createdAt instanceof Date && connection.grant.expiresAt > new Date())
  const raisedAt = new Date('2026-01-02T03:04:05.678Z')
  const alert = { customerId: account.customerId, source: 'test', id: 'ä', title: '😀 "', description: '\u2028', severity: 'warning', state: 'raised', raisedAt, fields: { Größe: '1' } }
  const delivery = await client.alerts.submit(alert)
  assert.deepEqual(delivery.alert, alert)
  const done = await client.alerts.deliver(delivery.id)
  assert.match(done.incident.number, /^INC/)
  await assert.rejects(client.alerts.submit({ ...alert, raisedAt: new Date(NaN) }), typeError(/time/))
  assert.equal(await client.alerts.submitWebhook({ body: Buffer.from('{"CustomerId":"acmecorp0001","Type":"Administrators","ChangeType":"Create","AfterChange":"{}"}') }), null)
})

test('what may be left out of an alert, a wrong instant, documents, bytes', async () => {
  const short = { customerId: account.customerId, source: 'test', id: 'short', title: 'Short', severity: 'warning' }
  const { alert } = await client.alerts.submit(short)
  assert.deepEqual([alert.description, alert.state, alert.fields], ['', 'raised', {}])
  const undefineds = await client.alerts.submit({ ...short, id: 'undefined', description: undefined, state: undefined, fields: undefined })
  assert.deepEqual([undefineds.alert.description, undefineds.alert.state, undefineds.alert.fields], ['', 'raised', {}])
  const document = { rules: [{ name: 'mine', when: { source: 'test' }, then: { action: 'ignore' } }] }
  for (const given of [document, JSON.stringify(document)]) {
    const decision = await client.policies.explain({ alert: short, at: new Date('2026-01-02T03:04:05Z'), document: given })
    assert.deepEqual([decision.action, decision.rule, decision.steps[0].matched], ['ignore', 'mine', true])
    const set = await client.policies.set({ customerId: account.customerId, document: given })
    assert.deepEqual(JSON.parse(set.document), document)
  }
  await client.policies.remove(account.customerId)
  await assert.rejects(client.policies.explain({ alert: short, at: new Date(NaN) }), typeError(/time/))
  await assert.rejects(client.policies.explain({ alert: { ...short, raisedAt: new Date(NaN) } }), typeError(/time/))
  await assert.rejects(client.sources.poll({ customerId: account.customerId, source: 'monitor', since: new Date(NaN) }), typeError(/time/))
  await assert.rejects(client.sources.poll({ customerId: account.customerId, source: 'rumours' }), typeError(/AlertSource/))
  await assert.rejects(client.alerts.submitMany([short, { ...short, raisedAt: new Date(NaN) }]), typeError(/time/))
  const mapped = { customerId: account.customerId, body: Buffer.from('{}'), authorization: 'theirs', expected: 'mine' }
  await assert.rejects(client.alerts.submitMapped(mapped), { code: 'forbidden' })
  const mapping = { nonsense: true }
  const refusal = { code: 'invalid_input', message: /nonsense/ }
  for (const given of [mapping, JSON.stringify(mapping)]) {
    await assert.rejects(client.alerts.submitMapped({ customerId: account.customerId, body: '{}', mapping: given }), refusal)
  }
})

test('an authorization server of its own, and the distances of warnings, are options of the client', async () => {
  const authorizationUrl = `${world.citrix_url}/elsewhere`
  const other = await Client.open({ ...options(world), oauthServers: [{ authorizationUrl, scope: 'useraccount' }], grantWarningDays: [60, 5] })
  await other.accounts.add(account)
  const { customerId, instanceUrl, clientId } = registration
  const begun = await other.registrations.authorize({ customerId, instanceUrl, clientId, redirectUrl: 'https://adapter.example.org/back' })
  assert.ok(begun.authorizationUrl.startsWith(authorizationUrl) && begun.authorizationUrl.includes('scope=useraccount'))
  const state = new URL(begun.authorizationUrl).searchParams.get('state')
  for (const options of [{}, { showHidden: true }]) {
    const shown = inspect({ begun }, options)
    assert.ok(state && !shown.includes(state) && shown.includes(begun.flowId) && shown.includes('scope=useraccount'), shown)
  }
  assert.ok(JSON.stringify(begun).includes(state))
  await other.registrations.abandon(begun.flowId)
  other.close()
  await assert.rejects(Client.open({ ...options(world), oauthServers: [{ tokenUrl: 7 }] }), typeError(/tokenUrl/))
})

test('records are objects, pages parse when asked, many settle each on its own', async () => {
  const table = { customerId: account.customerId, table: 'incident' }
  const record = await client.records.insert({ ...table, record: { short_description: 'one', correlation_id: 'k' }, fields: ['sys_id', 'short_description'] })
  assert.deepEqual(record, { sys_id: record.sys_id, short_description: 'one' })
  const query = [{ field: 'correlation_id', operator: 'equals', value: 'k' }]
  assert.deepEqual(await client.records.query({ ...table, query, fields: ['short_description'], limit: 5 }), [{ short_description: 'one' }])
  assert.equal((await client.records.query({ ...table, query })).length, 1)
  for (const limit of [0, 10_001]) await assert.rejects(client.records.query({ ...table, limit }), { code: 'invalid_input', message: /limit/ })
  const changed = await client.records.update({ ...table, sysId: record.sys_id, record: { short_description: 'two' }, fields: ['short_description'] })
  assert.equal(changed.short_description, 'two')
  await world.ask('POST /faults', { on: 'dev1', route: 'table:incident:insert', fault: 'fail_times', status: 403, skip: 1 })
  const records = ['a', 'b', 'c'].map(short_description => ({ short_description }))
  const settled = await client.records.insertMany({ ...table, records, fields: ['short_description'], inFlight: 1 })
  assert.deepEqual(settled.map(each => each.status), ['fulfilled', 'rejected', 'fulfilled'])
  assert.deepEqual(settled[2].value, { short_description: 'c' })
  assert.equal((await client.records.insertMany({ ...table, records })).length, 3)
  assert.ok((await client.records.page(table)).items.length > 4)
  assert.ok(settled[1].reason instanceof ItsmError && settled[1].reason.operation === 'records.insert')
  const seen = []
  for await (const page of client.records.pages({ ...table, size: 2 })) {
    assert.equal(page.items, page.items)
    assert.equal(typeof page.json, 'string')
    seen.push(...page.items)
  }
  assert.ok(seen.length >= 4 && new Set(seen.map(each => each.sys_id)).size === seen.length)
  await assert.rejects(client.records.insert({ ...table, record: 'text' }), { code: 'invalid_input' })
  await assert.rejects(client.records.insert({ ...table, record: { a: 1n } }), typeError(/BigInt/))
})

test('a walk over records asks ahead; leaving it, or aborting, ends the request under way', { timeout: 60_000 }, async () => {
  const table = { customerId: account.customerId, table: 'incident' }
  const walk = { ...table, size: 2, fields: ['sys_id'] }
  // One place among the requests: whoever hangs keeps everybody else from sending.
  const narrow = await Client.open({ ...options(world), concurrencyPerRemote: 1, attemptTimeoutMs: 120_000 })
  await narrow.accounts.add(account)
  await narrow.registrations.register(registration)
  const hanging = async () => {
    const { requests } = await world.ask('GET /requests')
    return requests.some(each => each.route === 'table:incident:list' && each.status === null)
  }
  for (const leave of ['break', 'abort']) {
    await world.ask('POST /faults', { on: 'dev1', route: 'table:incident:list', fault: 'hang', skip: 1, times: 1 })
    const control = new AbortController()
    const pages = narrow.records.pages(walk, control)
    assert.equal((await pages.next()).value.items.length, 2)
    // Nobody has asked for the second page.
    while (!(await hanging()));
    if (leave === 'break') await pages.return()
    else {
      const second = pages.next()
      control.abort()
      await assert.rejects(second, { name: 'AbortError' })
    }
    assert.deepEqual(await pages.next(), { done: true, value: undefined })
    await narrow.records.insert({ ...table, record: { short_description: leave } })
    await world.ask('DELETE /faults')
  }
  const all = []
  for await (const page of narrow.records.pages(walk)) all.push(...page.items.map(each => each.sys_id))
  const rest = []
  for await (const page of narrow.records.pages({ ...walk, after: all[2] })) rest.push(...page.items.map(each => each.sys_id))
  assert.deepEqual(rest, all.slice(3))
  narrow.close()
  await assert.rejects(narrow.records.pages(walk).next(), { code: 'illegal_state' })
  await assert.rejects(client.records.pages({ ...walk, size: 10_001 }).next(), { code: 'invalid_input', operation: 'records.page' })
})

test('lists are walked page by page', async () => {
  const ids = []
  for await (const account of client.accounts.iterate({ limit: 1 })) ids.push(account.customerId)
  assert.deepEqual(ids, [account.customerId])
  const kinds = []
  for await (const event of client.events.iterate({ limit: 1 })) kinds.push(event.kind)
  assert.ok(kinds.length > 2 && kinds[0] === 'account_added')
  await assert.rejects(client.accounts.list({ limit: 0 }), { code: 'invalid_input' })
})

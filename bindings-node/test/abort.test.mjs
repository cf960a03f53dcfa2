// Aborting: before, during, at random points; no leak, no wedged client, no listener left behind.
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { after, before, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { AbortError, Client } from 'itsm-adapter'
import { options, requests, resources, simulator } from './simulator.mjs'

let world, client, account
before(async () => {
  world = await simulator()
  client = await Client.open(options(world))
  ;({ account } = requests(world))
  await client.accounts.add(account)
})
after(() => {
  client.close()
  world.stop()
})

const aborted = { name: 'AbortError', code: 'ABORT_ERR' }
const asked = async () => (await world.ask('GET /requests')).requests

test('a signal that already fired sends nothing', async () => {
  const before = (await asked()).length
  const reason = new Error('no longer wanted')
  const error = await client.accounts.entitlement(account.customerId, { signal: AbortSignal.abort(reason) }).catch(error => error)
  assert.ok(error instanceof AbortError)
  assert.equal(error.cause, reason)
  assert.equal((await asked()).length, before)
})

test('a call that hangs is dropped when its signal fires', async () => {
  await world.ask('POST /faults', { on: 'citrix', route: 'service_states', fault: 'hang', times: null })
  const control = new AbortController()
  const call = client.accounts.entitlement(account.customerId, { signal: control.signal })
  while (!(await asked()).some(each => each.route === 'service_states' && each.status === null)) await turn()
  control.abort()
  await assert.rejects(call, aborted)
  await world.ask('DELETE /faults')
  assert.equal((await client.accounts.entitlement(account.customerId)).canManage, true)
})

test('a signal of a time limit, and one for all operations that take one', async () => {
  await world.ask('POST /faults', { on: 'citrix', route: 'service_states', fault: 'hang', times: null })
  await assert.rejects(client.accounts.entitlement(account.customerId, { signal: AbortSignal.timeout(20) }), aborted)
  const signal = AbortSignal.abort()
  await assert.rejects(Client.open({ store: 'memory' }, { signal }), aborted)
  for (const resource of resources) {
    for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(client[resource]))) {
      if (['constructor', 'iterate', 'pages'].includes(name)) continue
      await assert.rejects(client[resource][name]({}, { signal }), aborted, `${resource}.${name}`)
    }
  }
  await assert.rejects(client.rotateKey(undefined, { signal }), aborted)
  await assert.rejects(client.accounts.iterate({}, { signal }).next(), aborted)
  await assert.rejects(client.records.pages({ customerId: 'a', table: 'a', size: 1 }, { signal }).next(), aborted)
  await assert.rejects(client.subscribe({ signal }).next(), aborted)
  await world.ask('DELETE /faults')
})

test('1,000 aborts at random points wedge nothing, and one signal serves 1,000 calls', async () => {
  const outcomes = { done: 0, aborted: 0 }
  const settle = call => call.then(() => outcomes.done++, error => (assert.equal(error.name, 'AbortError'), outcomes.aborted++))
  const flights = []
  for (let i = 0; i < 1000; i++) {
    const control = new AbortController()
    flights.push(settle(i % 2 ? client.accounts.entitlement(account.customerId, control) : client.accounts.test(account.customerId, control)))
    let turns = Math.random() * 12
    while (turns-- > 1) await turn()
    control.abort()
    if (flights.length === 50) await Promise.all(flights.splice(0))
  }
  await Promise.all(flights)
  assert.equal(outcomes.done + outcomes.aborted, 1000)
  assert.ok(outcomes.aborted > 100, JSON.stringify(outcomes))
  const { signal } = new AbortController()
  await Promise.all(Array.from({ length: 1000 }, () => client.accounts.get(account.customerId, { signal })))
  assert.equal(getEventListeners(signal, 'abort').length, 1)
  assert.equal((await client.accounts.entitlement(account.customerId)).canManage, true)
})

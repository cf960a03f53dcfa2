// The delivery worker: runs, delivers, stops; keeps no process alive by itself; ends with its thread.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker as Thread } from 'node:worker_threads'
import { Client, Worker } from 'itsm-adapter'
import { options, requests, simulator } from './simulator.mjs'

let world, client, account, registration, folder, store
before(async () => {
  world = await simulator()
  ;({ account, registration } = requests(world))
})
after(() => world.stop())
beforeEach(async () => {
  await world.ask('POST /reset')
  folder = mkdtempSync(join(tmpdir(), 'itsm-worker-'))
  store = { ...options(world), store: join(folder, 'adapter.db') }
  client = await Client.open(store)
  await client.accounts.add(account)
  await client.registrations.register(registration)
})
afterEach(() => {
  client.close()
  rmSync(folder, { recursive: true, force: true })
})

const alert = id => ({ customerId: account.customerId, source: 'test', id, title: `Alert ${id}`, severity: 'error' })
const incidents = async () => (await world.ask('GET /instances/dev1/tables/incident')).rows.filter(row => row.correlation_id).length

/** Waits for so many events of deliveries that are done. */
async function delivered(subscription, count) {
  for await (const event of subscription) if (event.kind === 'delivery_done' && --count === 0) return event
}

test('a worker delivers what is submitted, and stops cleanly', async () => {
  const subscription = client.subscribe()
  const worker = await client.alerts.run()
  assert.ok(worker instanceof Worker)
  await client.alerts.submit(alert('one'))
  assert.equal((await delivered(subscription, 1)).customerId, account.customerId)
  const ended = worker.ended()
  assert.equal(await worker.stop(), undefined)
  assert.equal(await ended, undefined)
  await worker.stop()
  await client.alerts.submit(alert('two'))
  const { pending, delivered: done, oldestAgeMs } = await client.alerts.lag(account.customerId)
  assert.deepEqual([pending, done], [1, 1])
  assert.ok(oldestAgeMs >= 0)
  assert.equal(await incidents(), 1)
})

test('a signal ends the waiting, never the stop', async () => {
  const before = await client.alerts.run()
  await assert.rejects(before.stop({ signal: AbortSignal.abort() }), { name: 'AbortError' })
  await before.ended()
  const after = await client.alerts.run()
  const control = new AbortController()
  const stopped = after.stop(control)
  control.abort()
  // It may have ended by then.
  await stopped.catch(error => assert.equal(error.name, 'AbortError'))
  await after.ended()
  const worker = await client.alerts.run()
  await assert.rejects(worker.ended({ signal: AbortSignal.abort() }), { name: 'AbortError' })
  await client.alerts.submit(alert('still at work'))
  await delivered(client.subscribe(), 1)
  await worker.stop()
})

test('await using stops; closing the client ends the worker, too', async () => {
  const disposed = await client.alerts.run()
  await disposed[Symbol.asyncDispose]()
  await disposed.ended()
  const worker = await client.alerts.run({ concurrency: 1, pollIntervalMs: 50 })
  const ended = worker.ended()
  client.close()
  await ended
})

test('waiting for the end can be aborted; the worker works on', async () => {
  const subscription = client.subscribe()
  const worker = await client.alerts.run()
  await assert.rejects(worker.ended({ signal: AbortSignal.timeout(1) }), { name: 'AbortError' })
  await assert.rejects(client.alerts.run({ concurrency: 0 }), { code: 'invalid_input' })
  await client.alerts.submit(alert('one'))
  await delivered(subscription, 1)
  await worker.stop()
})

test('many are submitted at once and drained; a dead letter is replayed', async () => {
  const alerts = Array.from({ length: 300 }, (_, i) => alert(String(i)))
  const accepted = await client.alerts.submitMany(alerts)
  assert.deepEqual(accepted.map(delivery => delivery.alert.id), alerts.map(({ id }) => id))
  const { delivered: done, pending, lanes } = await client.alerts.drain()
  assert.deepEqual([done, pending, lanes.length, await incidents()], [300, 0, 1, 300])
  await assert.rejects(client.alerts.submitMany([alert('new'), { ...alert('x'), customerId: 'nobody' }]), { code: 'not_found', context: { index: '1' } })
  await world.ask('PATCH /instances/dev1', { mandatory: ['assignment_group'] })
  assert.equal((await client.alerts.drain()).dead, 1)
  const { items: [dead] } = await client.alerts.list({ statuses: ['dead'] })
  assert.match(dead.failure, /Assignment group/)
  await world.ask('PATCH /instances/dev1', { mandatory: [] })
  assert.equal((await client.alerts.replay(dead.id)).status, 'pending')
  const after = await client.alerts.drain({ customerIds: [account.customerId] })
  assert.deepEqual([after.delivered, after.dead], [301, 0])
})

test('a worker keeps no process alive, and works on when nothing refers to it; who waits for its end does', async () => {
  const program = (source, ...flags) => {
    const text = `import { Client } from 'itsm-adapter'; const client = await Client.open(${JSON.stringify(store)}); ${source}`
    const cwd = fileURLToPath(new URL('.', import.meta.url))
    return spawnSync(process.execPath, [...flags, '--input-type=module', '--eval', text], { cwd, encoding: 'utf8', timeout: 60_000 })
  }
  const alone = program(`await client.alerts.run(); console.log('runs')`)
  assert.deepEqual([alone.stdout, alone.status], ['runs\n', 0], alone.stderr)
  const forgotten = program(
    `
    await client.alerts.run()
    for (let i = 0; i < 5; i++) { gc(); await new Promise(setImmediate) }
    const alive = setInterval(() => {}, 1000)
    const told = new Promise(resolve => client.observe(event => event.kind === 'delivery_done' && resolve()))
    await client.alerts.submit(${JSON.stringify(alert('forgotten'))})
    await told
    clearInterval(alive)
    console.log((await client.alerts.lag()).delivered)`,
    '--expose-gc',
  )
  assert.deepEqual([forgotten.stdout, forgotten.status], ['1\n', 0], forgotten.stderr)
  const waiting = program(`
    const worker = await client.alerts.run()
    process.once('SIGTERM', () => worker.stop())
    process.kill(process.pid, 'SIGTERM')
    await worker.ended()
    console.log('stopped')`)
  assert.deepEqual([waiting.stdout, waiting.status], ['stopped\n', 0], waiting.stderr)
})

test('worker threads have workers of their own, which end with them', async () => {
  const source = `
    import { parentPort, workerData } from 'node:worker_threads'
    import { Client } from ${JSON.stringify(new URL('../itsm-adapter.mjs', import.meta.url))}
    const client = await Client.open(workerData)
    client.observe(event => parentPort.postMessage(event.kind))
    await client.alerts.run()
    parentPort.on('message', async alert => (alert ? client.alerts.submit(alert) : parentPort.close()))
    parentPort.postMessage('runs')`
  const told = async (thread, kind) => {
    for (;;) if ((await once(thread, 'message'))[0] === kind) return
  }
  const threads = Array.from({ length: 3 }, () => new Thread(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData: store }))
  await Promise.all(threads.map(thread => told(thread, 'runs')))
  // Whichever of the three delivers it, one of them tells.
  const done = Promise.any(threads.map(thread => told(thread, 'delivery_done')))
  threads[0].postMessage(alert('thread'))
  await done
  // One ends by itself, two are terminated.
  const ended = once(threads[0], 'exit')
  threads[0].postMessage(null)
  await ended
  await Promise.all(threads.map(thread => thread.terminate()))
  await client.alerts.submit(alert('afterwards'))
  assert.deepEqual([(await client.alerts.lag()).pending, await incidents()], [1, 1])
})

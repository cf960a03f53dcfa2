// Life and death: closing, many calls, events, threads, the end of the process.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { Client, egressRanges, forwardLogs } from 'itsm-adapter'
import { options, requests, simulator } from './simulator.mjs'

let world, account, registration
before(async () => {
  world = await simulator()
  ;({ account, registration } = requests(world))
})
after(() => world.stop())

const here = fileURLToPath(new URL('.', import.meta.url))
/** Runs a program that has `Client`, `options` and `account`; what it prints and how it ends comes back. */
function program(source, ...flags) {
  const text = `import { Client } from 'itsm-adapter'; const options = ${JSON.stringify(options(world))}; const account = ${JSON.stringify(account)}; ${source}`
  const ended = spawnSync(process.execPath, [...flags, '--input-type=module', '--eval', text], { cwd: here, encoding: 'utf8', timeout: 60_000 })
  return { ...ended, out: ended.stdout.trim() }
}

test('after close every call is refused; closing again is allowed', async () => {
  const client = await Client.open(options(world))
  assert.equal(client.isClosed, false)
  client.close()
  client.close()
  assert.equal(client.isClosed, true)
  await assert.rejects(client.accounts.list(), { code: 'illegal_state', message: /closed/ })
  assert.deepEqual(await client.subscribe().next(), { done: true, value: undefined })
})

test('close during a call ends the call', async () => {
  const client = await Client.open(options(world))
  await client.accounts.add(account)
  await world.ask('POST /faults', { on: 'citrix', route: 'service_states', fault: 'hang', times: null })
  const call = client.accounts.entitlement(account.customerId)
  while (!(await world.ask('GET /requests')).requests.some(each => each.route === 'service_states' && each.status === null));
  client.close()
  await assert.rejects(call, { code: 'cancelled' })
  await world.ask('DELETE /faults')
})

test('using closes', async () => {
  const client = await Client.open(options(world))
  client[Symbol.dispose]()
  assert.ok(client.isClosed)
  const other = await Client.open(options(world))
  await other[Symbol.asyncDispose]()
  assert.ok(other.isClosed)
})

test('1,000 calls in flight', async () => {
  const client = await Client.open(options(world))
  await client.accounts.add(account)
  await client.registrations.register(registration)
  const record = { short_description: 'many' }
  const insert = () => client.records.insert({ customerId: account.customerId, table: 'incident', record, fields: ['sys_id'] })
  const made = await Promise.all(Array.from({ length: 1000 }, insert))
  assert.equal(new Set(made.map(each => each.sys_id)).size, 1000)
  client.close()
})

test('events reach observers and subscribers; what an observer throws is a warning', async () => {
  const client = await Client.open(options(world))
  const seen = []
  const bad = client.observe(() => {
    throw new Error('an observer of mine')
  })
  client.observe(async () => Promise.reject(new Error('an async observer of mine')))
  const good = client.observe(event => seen.push(event.kind))
  const subscription = client.subscribe()
  const warned = once(process, 'warning')
  await client.accounts.add(account)
  assert.match((await warned)[0].message, /observer of mine/)
  const { value } = await subscription.next()
  assert.equal(value.kind, 'account_added')
  client.unobserve(good)
  bad[Symbol.dispose]()
  await client.accounts.update({ customerId: account.customerId, name: 'new' })
  assert.equal((await subscription.next()).value.kind, 'account_updated')
  assert.deepEqual(seen, ['account_added'])
  const kinds = []
  const walk = (async () => {
    for await (const event of subscription) kinds.push(event.kind)
  })()
  await client.accounts.remove(account.customerId)
  client.close()
  await walk
  assert.deepEqual(kinds, ['account_removed'])
})

test('a busy event loop misses events beyond a bound, and is told so', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'itsm-busy-'))
  const given = { ...options(world), store: join(folder, 'adapter.db') }
  const client = await Client.open(given)
  await client.accounts.add(account)
  const seen = []
  client.observe(event => seen.push(event))
  const alert = number => ({ customerId: account.customerId, source: 'own', id: `${number}`, title: 'busy', severity: 'error' })
  const submitted = client.alerts.submitMany(Array.from({ length: 2000 }, (_, number) => alert(number)))
  // Nothing else of this thread runs until another process has seen all of them.
  const watching = `
    const client = await Client.open(${JSON.stringify(given)})
    while ((await client.alerts.lag()).pending < 2000) await new Promise(setImmediate)
    client.close()`
  const watched = program(watching)
  assert.equal(watched.status, 0, watched.stderr)
  await submitted
  await client.accounts.update({ customerId: account.customerId, name: 'later' })
  const missed = seen.filter(event => event.kind === 'progress').map(event => /^(\d+) events were missed/.exec(event.message))
  const told = seen.filter(event => event.kind === 'delivery_accepted').length
  assert.equal(missed.length, 1, `${told} were told`)
  assert.deepEqual([told + Number(missed[0][1]), told >= 1024, seen.at(-1).kind], [2000, true, 'account_updated'])
  client.close()
  rmSync(folder, { recursive: true })
})

test('the addresses to allow are told', () => {
  assert.ok(egressRanges('us').length > 0)
})

test('functions of the module refuse arguments as operations do', () => {
  const refusal = message => ({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message })
  assert.throws(() => egressRanges('mars'), refusal(/Environment/))
  assert.throws(() => egressRanges(), refusal(/./))
  assert.throws(() => forwardLogs('loud', () => {}), refusal(/LogLevel/))
  assert.throws(() => forwardLogs('info', 'no function'), refusal(/function/))
})

test('what the options leave out comes from the environment, and the error names both', () => {
  const open = 'await Client.open().catch(error => console.log(error.code, error.message))'
  assert.match(program(open).out, /invalid_input.*store.*ITSM_ADAPTER_STORE/)
})

test('an open client, an observer and a waiting subscription keep no process alive', () => {
  const ended = program(`
    const client = await Client.open(options)
    client.observe(() => {})
    client.subscribe().next()
    console.log('open')`)
  assert.deepEqual([ended.out, ended.status], ['open', 0], ended.stderr)
})

test('a call in flight keeps the process alive until it is settled', () => {
  const ended = program(`Client.open(options).then(client => client.accounts.add(account)).then(added => console.log(added.customerId))`)
  assert.deepEqual([ended.out, ended.status], [account.customerId, 0], ended.stderr)
})

test('a process exits with calls in flight', () => {
  const ended = program(`
    const client = await Client.open(options)
    for (let i = 0; i < 200; i++) client.accounts.add(account).catch(() => {})
    setImmediate(() => process.exit(7))`)
  assert.equal(ended.status, 7, ended.stderr)
})

test('child processes that begin with calls in flight harm neither side', () => {
  const ended = program(`
    const { execFileSync, fork } = await import('node:child_process')
    const { once } = await import('node:events')
    const client = await Client.open(options)
    await client.accounts.add(account)
    const calls = Array.from({ length: 200 }, () => client.accounts.test(account.customerId))
    execFileSync(process.execPath, ['-e', '0'])
    const child = fork(${JSON.stringify(fileURLToPath(new URL('child.mjs', import.meta.url)))}, [JSON.stringify(options), JSON.stringify(account)], { execArgv: [] })
    const [[status]] = await Promise.all([once(child, 'exit'), Promise.all(calls)])
    console.log(status, (await client.accounts.get(account.customerId)).customerId)`)
  assert.deepEqual([ended.out, ended.status], [`0 ${account.customerId}`, 0], ended.stderr)
})

test('a rejection that nobody handles is the unhandled rejection of Node', () => {
  const ended = program(`const client = await Client.open(options); client.accounts.get('nobody')`)
  assert.equal(ended.status, 1)
  assert.match(ended.stderr, /ItsmError: There is no account nobody[^]*not_found/)
})

test('worker threads have clients of their own, and end with calls in flight', async () => {
  const source = `
    import { parentPort, workerData } from 'node:worker_threads'
    import { Client } from 'itsm-adapter'
    const client = await Client.open(workerData.options)
    client.observe(event => parentPort.postMessage(event.kind))
    await client.accounts.add(workerData.account)
    if (workerData.stay) for (;;) await Promise.all(Array.from({ length: 50 }, () => client.accounts.test(workerData.account.customerId)))`
  const start = stay => new Worker(new URL(`data:text/javascript,${encodeURIComponent(source.replace('itsm-adapter', new URL('../itsm-adapter.mjs', import.meta.url)))}`), { workerData: { options: options(world), account, stay } })
  const own = await Client.open(options(world))
  for (let i = 0; i < 10; i++) {
    const workers = [start(false), start(true), start(true)]
    const ended = workers.map(worker => once(worker, 'exit'))
    await Promise.all(workers.map(worker => once(worker, 'message')))
    assert.deepEqual(await ended[0], [0])
    await Promise.all(workers.slice(1).map(worker => worker.terminate()))
    await Promise.all(ended)
    assert.deepEqual((await own.accounts.list()).items, [])
  }
})

test('memory stays flat over 10,000 calls of each kind', () => {
  const ended = program(
    `
    const client = await Client.open(options)
    await client.accounts.add(account)
    const { signal } = new AbortController()
    const kinds = [
      () => client.accounts.get(account.customerId),
      () => client.accounts.get(account.customerId, { signal }),
      () => client.accounts.get('nobody').catch(() => {}),
      () => client.accounts.get(1).catch(() => {}),
      () => client.accounts.list({ limit: 10 }),
      () => client.accounts.get(account.customerId, { signal: AbortSignal.abort() }).catch(() => {}),
    ]
    const used = []
    for (let round = 0; round < 12; round++) {
      for (const kind of kinds) for (let i = 0; i < 100; i++) await Promise.all(Array.from({ length: 100 }, kind))
      gc()
      await new Promise(setImmediate)
      used.push(process.memoryUsage().rss / 1048576)
    }
    console.log(used[11] - used[7])`,
    '--expose-gc',
  )
  assert.equal(ended.status, 0, ended.stderr)
  assert.ok(Number(ended.out) < 8, `${ended.out} MB more`)
})

// Consent: a person at the simulator's own pages, and the listener of this process that waits for the browser.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { Client } from 'itsm-adapter'
import { consent, options, requests, simulator } from './simulator.mjs'

let world, client, account, request
before(async () => {
  world = await simulator()
})
after(() => world.stop())
beforeEach(async () => {
  await world.ask('POST /reset')
  client = await Client.open(options(world))
  const { account: own, registration } = requests(world)
  const { customerId, instanceUrl, clientId, clientSecret } = registration
  account = own
  request = { customerId, instanceUrl, clientId, clientSecret }
  await client.accounts.add(account)
})
afterEach(() => client.close())

/** Listens, with the redirect URL known to the instance. */
async function listening() {
  const begun = await client.registrations.listen(request)
  await world.returnsTo(begun.redirectUrl)
  return begun
}

test('who allows is registered, and is shown so', async () => {
  const begun = await listening()
  assert.ok(begun.expiresAt > new Date() && /^http:\/\/127\.0\.0\.1:\d+\//.test(begun.redirectUrl))
  const waiting = client.registrations.waitFor({ flowId: begun.flowId })
  const shown = await consent(begun.authorizationUrl, world.user('svc.citrix'))
  assert.equal(shown.status, 200)
  assert.match(shown.page, /<h1>Registered<\/h1>/)
  const { connection, userName, previousUserName } = await waiting
  assert.deepEqual([connection.status, connection.grant.kind, userName, previousUserName], ['registered', 'user_account', 'svc.citrix', undefined])
  const found = await client.records.query({ customerId: account.customerId, table: 'incident', limit: 1 })
  assert.ok(Array.isArray(found))
})

test('who denies is told so, in the browser and here', async () => {
  const begun = await listening()
  const waiting = client.registrations.waitFor({ flowId: begun.flowId, timeoutMs: 60_000 })
  const [shown] = await Promise.all([
    consent(begun.authorizationUrl, world.user('svc.citrix'), 'deny'),
    assert.rejects(waiting, { name: 'ItsmError', code: 'consent_denied', operation: 'registrations.wait_for' }),
  ])
  assert.doesNotMatch(shown.page, /<h1>Registered<\/h1>/)
  assert.deepEqual((await client.connections.list()).items, [])
})

test('an aborted wait gives the flow up: the listener is gone, a late callback is refused', async () => {
  const begun = await listening()
  const control = new AbortController()
  const waiting = client.registrations.waitFor({ flowId: begun.flowId }, control)
  control.abort()
  await assert.rejects(waiting, { name: 'AbortError' })
  await assert.rejects(client.registrations.waitFor({ flowId: begun.flowId }), { code: /not_found|flow_expired|cancelled/ })
  await assert.rejects(fetch(begun.redirectUrl), TypeError)
})

test('a wait whose signal fired before changes nothing; giving up ends the listener', async () => {
  const begun = await listening()
  await assert.rejects(client.registrations.waitFor({ flowId: begun.flowId }, { signal: AbortSignal.abort() }), { name: 'AbortError' })
  assert.ok((await fetch(new URL('/elsewhere', begun.redirectUrl))).status >= 400)
  await client.registrations.abandon(begun.flowId)
  await assert.rejects(client.registrations.waitFor({ flowId: begun.flowId }), { name: 'ItsmError' })
  await assert.rejects(fetch(begun.redirectUrl), TypeError)
})

test('nobody in front of the browser is a timeout', async () => {
  const begun = await listening()
  await assert.rejects(client.registrations.waitFor({ flowId: begun.flowId, timeoutMs: 1 }), { code: 'timeout' })
})

test('the browser may come back to another process, with the session that began', async () => {
  const redirectUrl = 'https://adapter.example.org/callback'
  await world.returnsTo(redirectUrl)
  const begun = await client.registrations.authorize({ ...request, redirectUrl, session: 'a cookie of mine' })
  const { callback } = await world.ask('POST /instances/dev1/consent', { url: begun.authorizationUrl, user: 'svc.citrix', decision: 'authorize' })
  await assert.rejects(client.registrations.complete({ callbackUrl: callback }), { code: 'flow_expired', context: { reason: 'session' } })
  const { userName } = await client.registrations.complete({ callbackUrl: callback, session: 'a cookie of mine' })
  assert.equal(userName, 'svc.citrix')
  await assert.rejects(client.registrations.complete({ callbackUrl: callback, session: 'a cookie of mine' }), { code: 'flow_expired', context: { reason: 'used' } })
})

// Only Linux finds its browser by a name that a test can take.
if (process.platform === 'linux') {
  test('the browser of the system is opened, and its person registered', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'itsm-browser-'))
    const { PATH } = process.env
    const { user_name, password } = world.user('svc.citrix')
    try {
      const person = `import(${JSON.stringify(new URL('simulator.mjs', import.meta.url))}).then(({ consent }) => consent(process.argv[2], ${JSON.stringify({ user_name, password })}))`
      writeFileSync(join(folder, 'xdg-open'), `#!${process.execPath}\n${person}\n`, { mode: 0o755 })
      process.env.PATH = `${folder}:${PATH}`
      const redirectUrl = await freeAddress()
      await world.returnsTo(redirectUrl)
      const { userName } = await client.registrations.authorizeInBrowser({ ...request, redirectUrl, timeoutMs: 60_000 })
      assert.equal(userName, 'svc.citrix')
    } finally {
      process.env.PATH = PATH
      rmSync(folder, { recursive: true, force: true })
    }
  })
}

/** A redirect URL on a port of this machine that nobody listens on. */
async function freeAddress() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  await once(server.close(), 'close')
  return `http://127.0.0.1:${port}/callback`
}

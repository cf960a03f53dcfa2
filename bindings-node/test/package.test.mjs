// The package as a stranger gets it: packed, installed into a clean folder, doing the examples and the code of the README.
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { consent, requests, simulator } from './simulator.mjs'

const own = fileURLToPath(new URL('..', import.meta.url))
const examples = fileURLToPath(new URL('../../examples', import.meta.url))
const tasks = readdirSync(examples).filter(task => existsSync(join(examples, task, 'node')))
const folder = mkdtempSync(join(tmpdir(), 'itsm-package-'))
let world, settings, account, registration

before(async () => {
  world = await simulator()
  ;({ account, registration } = requests(world))
  settings = {
    ITSM_ADAPTER_STORE: join(folder, 'adapter.db'),
    ITSM_ADAPTER_ALLOW_PRIVATE_NETWORKS: 'true',
    CITRIX_URL: world.citrix_url,
    CITRIX_CUSTOMER_ID: account.customerId,
    CITRIX_CLIENT_ID: account.clientId,
    CITRIX_CLIENT_SECRET: account.clientSecret,
    SERVICENOW_HOSTS: '127.0.0.1',
    SERVICENOW_URL: registration.instanceUrl,
    SERVICENOW_CLIENT_ID: registration.clientId,
    SERVICENOW_CLIENT_SECRET: registration.clientSecret,
    SERVICENOW_USER: registration.userName,
    SERVICENOW_PASSWORD: registration.password,
  }
  const npm = (...args) => execFileSync('npm', [...args, '--silent', '--offline', '--no-audit', '--no-fund'], { cwd: folder, encoding: 'utf8' })
  const [{ filename, files }] = JSON.parse(npm('pack', own, '--json', '--pack-destination', folder))
  assert.deepEqual(files.map(({ path }) => path).filter(path => !path.endsWith('.node')).sort(), [
    ...['README.md', 'index.d.ts', 'index.js', 'itsm-adapter.d.mts', 'itsm-adapter.js', 'itsm-adapter.mjs', 'package.json'],
  ])
  writeFileSync(join(folder, 'package.json'), '{"private": true}')
  npm('install', `./${filename}`)
  for (const task of tasks) cpSync(join(examples, task, 'node'), join(folder, task, 'node'), { recursive: true })
  cpSync(join(examples, 'quickstart/notification.json'), join(folder, 'quickstart/notification.json'))
})
after(() => {
  world.stop()
  rmSync(folder, { recursive: true, force: true })
})

function run(args, environment = {}, cwd = folder, input = '') {
  const ended = spawnSync(process.execPath, args, { cwd, input, env: { PATH: process.env.PATH, ...settings, ...environment }, encoding: 'utf8', timeout: 60_000 })
  for (const secret of [account.clientSecret, registration.clientSecret, registration.password]) {
    assert.ok(!(ended.stdout + ended.stderr).includes(secret), 'a secret is shown')
  }
  return { ...ended, text: ended.stdout + ended.stderr }
}

test('the quick start runs, and runs again over the same store', () => {
  for (let i = 0; i < 2; i++) {
    const { text, status } = run(['quickstart/node/quickstart.mjs'], { ITSM_ADAPTER_STORE: join(folder, 'quickstart.db') })
    assert.match(text, /is registered with[^]*INC\d+: Cloud Connector EDGE01 is offline[^]*the instance shows \[ \{ number/)
    assert.equal(status, 0)
  }
})

test('the quick start runs under CommonJS', () => {
  const source = readFileSync(join(folder, 'quickstart/node/quickstart.mjs'), 'utf8')
    .replace(/^import (.*) from (.*)$/gm, 'const $1 = require($2)')
    .replace('import.meta.url', 'require("node:url").pathToFileURL(__filename)')
  writeFileSync(join(folder, 'quickstart/node/quickstart.cjs'), source)
  const { text, status } = run(['quickstart/node/quickstart.cjs'], { ITSM_ADAPTER_STORE: 'memory' })
  assert.match(text, /is registered with[^]*the instance shows/)
  assert.equal(status, 0)
})

test('the tasks build on one another', async () => {
  const { customerId, environment, clientId, clientSecret } = account
  const add = `import { Client } from 'itsm-adapter'; await (await Client.open()).accounts.add(${JSON.stringify({ customerId, environment, clientId, clientSecret })})`
  assert.equal(run(['--input-type=module', '--eval', add]).text, '')
  const registered = run(['register-service-account/node/register.mjs', customerId, registration.instanceUrl])
  assert.match(registered.text, /pass +identity[^]*is registered with .*days left: 9\d/)
  const refused = run(['register-service-account/node/register.mjs', customerId, registration.instanceUrl], { SERVICENOW_PASSWORD: 'not it' })
  assert.match(refused.text, /The credentials are refused/)
  assert.equal(refused.status, 1)
  for (let i = 0; i < 2; i++) {
    const delivered = run(['deliver-alerts/node/deliver.mjs', join(examples, 'deliver-alerts/alerts.jsonl')])
    assert.match(delivered.text, /3 of 3 alerts are incidents/)
    assert.equal(delivered.status, 0)
  }
  const twice = readFileSync(join(examples, 'deliver-alerts/alerts.jsonl'), 'utf8').split('\n')[0].replace('edge01-offline', 'edge02-offline')
  const piped = run(['deliver-alerts/node/deliver.mjs'], {}, folder, `${twice}\n\n${twice}\n`)
  assert.match(piped.text, /^edge02-offline: INC\d+\n1 of 1 alerts are incidents\n$/)
  const unknown = run(['deliver-alerts/node/deliver.mjs'], {}, folder, twice.replace(customerId, 'nobody'))
  assert.match(unknown.text, /^not_found: /)
  assert.equal(unknown.status, 1)
  await world.ask('PATCH /instances/dev1', { mandatory: ['assignment_group'] })
  const dead = run(['deliver-alerts/node/deliver.mjs'], {}, folder, twice.replace('edge02-offline', 'edge03-offline'))
  await world.ask('PATCH /instances/dev1', { mandatory: [] })
  assert.match(dead.text, /^edge03-offline: dead, .*\n0 of 1 .*\nIn the whole store 0 wait and 1 cannot be delivered\n$/)
  assert.equal(dead.status, 1)
  assert.match(run(['manage-list/node/manage-list.mjs']).text, /acmecorp0001 .*registered +available +9\d/)
})

test('the consent of a person who opens the address by hand', async () => {
  const { customerId, environment, clientId, clientSecret } = account
  const store = { ITSM_ADAPTER_STORE: join(folder, 'consent.db') }
  const add = `import { Client } from 'itsm-adapter'; await (await Client.open()).accounts.add(${JSON.stringify({ customerId, environment, clientId, clientSecret })})`
  assert.equal(run(['--input-type=module', '--eval', add], store).text, '')
  for (const [button, outcome, status] of [
    ['deny', /did not allow it/, 1],
    ['authorize', /svc\.citrix has signed in\.\nacmecorp0001 is registered with .*days left: 9\d/, 0],
  ]) {
    const args = ['register-user-consent/node/consent.mjs', '--by-hand', customerId, registration.instanceUrl]
    const example = spawn(process.execPath, args, { cwd: folder, env: { PATH: process.env.PATH, ...settings, ...store } })
    let [text, walk] = ['']
    example.stderr.on('data', piece => (text += piece))
    for await (const line of createInterface({ input: example.stdout })) {
      text += `${line}\n`
      const [, redirectUrl] = /^The browser comes back to (.*)/.exec(line) ?? []
      const [, address] = /^Open (.*)/.exec(line) ?? []
      if (redirectUrl) await world.returnsTo(redirectUrl)
      if (address) walk = consent(address, world.user('svc.citrix'), button)
    }
    await walk
    if (example.exitCode === null) await once(example, 'close')
    assert.match(text, outcome)
    assert.equal(example.exitCode, status)
    assert.ok(!text.includes(clientSecret) && !text.includes(registration.clientSecret))
  }
})

test('an example fits a screen', () => {
  for (const task of tasks) {
    for (const name of readdirSync(join(examples, task, 'node'))) {
      assert.ok(readFileSync(join(examples, task, 'node', name), 'utf8').split('\n').length <= 60, name)
    }
  }
})

const blocks = [...readFileSync(join(own, 'README.md'), 'utf8').matchAll(/^```js\n([^]*?)^```$/gm)].map(([, code]) => code)
for (const [i, code] of blocks.entries()) {
  test(`block ${i + 1} of the README runs`, () => {
    const cwd = join(folder, `block-${i}`)
    mkdirSync(cwd)
    const { customerId, instanceUrl } = registration
    const ready = `import { Client } from 'itsm-adapter'
const [customerId, instanceUrl] = ${JSON.stringify([customerId, instanceUrl])}
const client = await Client.open({ store: 'memory' })
await client.accounts.add(${JSON.stringify(account)})
await client.registrations.register(${JSON.stringify(registration)})
`
    const whole = code.includes('Client.open(')
    writeFileSync(join(cwd, 'block.mjs'), whole ? code : ready + code)
    // A whole program runs again over the store that it made.
    for (let times = whole ? 2 : 1; times > 0; times--) {
      const { status, text } = run(['block.mjs'], {}, cwd)
      assert.equal(status, 0, text)
    }
  })
}

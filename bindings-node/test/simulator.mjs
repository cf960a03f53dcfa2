// The simulator for tests and examples: one process, its addresses, and clients over it.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The program: `ITSM_SIMULATOR`, else what is in the target directory. */
export function program() {
  const target = process.env.CARGO_TARGET_DIR ?? `${root}target`
  const found = [process.env.CARGO_BUILD_TARGET ?? '', '']
    .flatMap(triple => ['debug', 'quick', 'release'].map(profile => `${target}/${triple}/${profile}/itsm-simulator`))
    .find(path => existsSync(path))
  return process.env.ITSM_SIMULATOR ?? found ?? 'itsm-simulator'
}

/** Starts it; what it prints comes back, with `ask` for its control API and `stop`. */
export async function simulator(...args) {
  const child = spawn(program(), [...args, '--until-stdin-closes'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = await Promise.race([
    createInterface(child.stdout)[Symbol.asyncIterator]().next().then(({ value }) => [value]),
    new Promise((_, reject) => child.once('error', reject)),
  ])
  const world = JSON.parse(line)
  return {
    ...world,
    async ask(call, body) {
      const [method, path] = call.split(' ')
      const answer = await fetch(world.control_url + path, { method, body: body && JSON.stringify(body) })
      return answer.json()
    },
    stop: () => child.stdin.end(),
  }
}

/** Options of a client that may call the simulator. */
export const options = world => ({
  store: 'memory',
  citrixUrl: world.citrix_url,
  instanceHosts: ['127.0.0.1'],
  allowPrivateNetworks: true,
})

/** Requests with which the seeded account gets registered with the seeded instance. */
export function requests(world, customerId = 'acmecorp0001') {
  const account = world.accounts.find(account => account.customer_id === customerId)
  const endpoint = world.oauth_clients.find(client => client.instance === 'dev1')
  const user = world.users.find(user => user.user_name === 'svc.citrix')
  return {
    account: { customerId, environment: account.environment, clientId: account.client_id, clientSecret: account.client_secret },
    registration: {
      customerId,
      instanceUrl: world.servicenow_url,
      clientId: endpoint.client_id,
      clientSecret: endpoint.client_secret,
      userName: user.user_name,
      password: user.password,
    },
  }
}

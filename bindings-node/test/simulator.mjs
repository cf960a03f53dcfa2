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
    /** Enters the redirect URL at the OAuth endpoint of the first client of `dev1`. */
    async returnsTo(redirect_url) {
      const { client_id } = world.oauth_clients.find(client => client.instance === 'dev1')
      const answer = await this.ask(`PATCH /instances/dev1/oauth_clients/${client_id}`, { redirect_url })
      if (answer.error) throw new Error(JSON.stringify(answer))
    },
    user: name => world.users.find(user => user.user_name === name),
    stop: () => child.stdin.end(),
  }
}

/** The person in front of the browser: signs in at the instance, and presses a button (`authorize` or `deny`). */
export async function consent(authorizationUrl, { user_name, password }, button = 'authorize') {
  const cookies = new Map()
  const field = (page, name) =>
    new RegExp(`name="${name}" value="([^"]*)"`).exec(page)?.[1].replaceAll('&quot;', '"').replaceAll('&amp;', '&')
  /** Loads a page, following redirects within the instance; the last page, or where the browser is sent instead. */
  async function load(url, form) {
    const headers = { cookie: [...cookies].map(pair => pair.join('=')).join('; ') }
    const answer = await fetch(url, { headers, redirect: 'manual', ...(form && { method: 'POST', body: new URLSearchParams(form) }) })
    for (const cookie of answer.headers.getSetCookie()) cookies.set(.../^([^=]*)=([^;]*)/.exec(cookie).slice(1))
    const next = answer.headers.get('location') && new URL(answer.headers.get('location'), url)
    if (!next) return { url, page: await answer.text() }
    return next.origin === new URL(url).origin ? load(next.href) : { url: next.href }
  }
  let shown = await load(authorizationUrl)
  if (shown.page?.includes('id="loginPage"')) {
    const sysparm_goto_url = field(shown.page, 'sysparm_goto_url')
    const form = { sys_action: 'sysverb_login', sysparm_goto_url, user_name, user_password: password }
    shown = await load(new URL('/login.do', authorizationUrl).href, form)
  }
  const sysparm_ck = field(shown.page, 'sysparm_ck')
  const { url } = await load(shown.url, { sysparm_ck, oauth_auth_check_action: button })
  const answer = await fetch(url)
  return { status: answer.status, page: await answer.text(), url }
}

/** The resources of a client. */
export const resources = [
  ...['accounts', 'instances', 'connections', 'registrations', 'alerts', 'policies', 'sources', 'webhooks'],
  ...['records', 'events'],
]

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

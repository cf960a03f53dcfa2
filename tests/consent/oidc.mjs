// A certified OAuth server on loopback, and beside it a REST API that believes nobody but it.
//
// Usage:   node tests/consent/oidc.mjs      prints one line of JSON about itself; ends when its input ends
//
// The server is the package oidc-provider as it comes, with clients of every kind. The REST API answers in the
// instance's shape, and asks the server about every token (RFC 7662). The control address moves the clock of this
// process, takes a grant back, and tells what the server refused and why, which it tells no client.
import crypto from 'node:crypto'
import http from 'node:http'

// It warns that its memory and its pages are for development, which they are.
console.warn = console.info = () => {}
const { Provider } = await import('oidc-provider')

/** Redirect URLs of the confidential clients; nobody listens there. */
const REDIRECTS = ['http://127.0.0.1:7/callback', 'http://127.0.0.1:7/second', 'https://adapter.example/callback']
const SCOPE = 'table_api'
const ROLES = ['x_cion_citrix_it_s.ctx_itsm_admin', 'incident_manager']

const realNow = Date.now
let ahead = 0
Date.now = () => realNow() + ahead

const listen = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`)))
const [front, api, control] = [http.createServer(), http.createServer(), http.createServer()]
const [issuer, instance, controls] = await Promise.all([front, api, control].map(listen))

const code = { grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], scope: SCOPE }
const secret = (id) => `${id}-secret-0123456789-0123456789`
// A native client may come back to any port of loopback (RFC 8252 section 7.3).
const open = (client_id) => ({ ...code, client_id, application_type: 'native', token_endpoint_auth_method: 'none', redirect_uris: ['http://127.0.0.1/callback'] })
const closed = (client_id, token_endpoint_auth_method = 'client_secret_post') =>
  ({ ...code, client_id, client_secret: secret(client_id), token_endpoint_auth_method, redirect_uris: REDIRECTS })

const provider = new Provider(issuer, {
  clients: [
    open('public-still'), open('public-rotating'), closed('secret-still'), closed('secret-rotating'), closed('another'),
    closed('signed-still', 'client_secret_jwt'),
    { ...closed('once-still'), grant_types: ['authorization_code'] },
    { client_id: 'instance', client_secret: secret('instance'), redirect_uris: [], response_types: [], grant_types: [], token_endpoint_auth_method: 'client_secret_post' },
  ],
  cookies: { keys: ['for tests'] },
  clientAuthMethods: ['none', 'client_secret_post', 'client_secret_jwt'],
  pkce: { required: () => true },
  scopes: [SCOPE, 'everything'],
  ttl: { AuthorizationCode: 60, AccessToken: 1800, RefreshToken: 8_640_000, Grant: 8_640_000, Session: 86_400, Interaction: 3600 },
  issueRefreshToken: (ctx, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: (ctx) => ctx.oidc.client.clientId.endsWith('-rotating'),
  features: { revocation: { enabled: true }, introspection: { enabled: true } },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
})
front.on('request', provider.callback())

const refusals = [], issued = [], grants = new Set()
for (const of of ['grant', 'authorization', 'revocation', 'introspection']) {
  provider.on(`${of}.error`, (ctx, error) => refusals.push({ of, error: error.error, cause: error.error_detail ?? error.error_description ?? '' }))
}
provider.on('server_error', (ctx, error) => refusals.push({ of: 'server', error: 'server_error', cause: String(error) }))
provider.on('access_token.saved', (token) => issued.push(['AccessToken', token.jti]))
provider.on('refresh_token.saved', (token) => issued.push(['RefreshToken', token.jti]))
provider.on('grant.saved', (grant) => grants.add(grant.jti))

/** Whether a token would still be taken. */
async function lives([model, value]) {
  const token = await provider[model].find(value)
  return Boolean(token && !token.consumed && await provider.Grant.find(token.grantId))
}

async function holder(request) {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
  if (!token) return
  const body = new URLSearchParams({ token, client_id: 'instance', client_secret: secret('instance') })
  const answer = await (await fetch(`${issuer}/token/introspection`, { method: 'POST', body })).json()
  return answer.active && answer.scope?.split(' ').includes(SCOPE) ? answer.sub : undefined
}

function send(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json;charset=UTF-8' }).end(JSON.stringify(body))
}

api.on('request', async (request, response) => {
  const user_name = await holder(request)
  if (!user_name) return send(response, 401, { error: { message: 'User Not Authenticated', detail: 'Required to provide Auth information' }, status: 'failure' })
  const sys_id = crypto.createHash('md5').update(user_name).digest('hex')
  const rows = {
    '/api/now/ui/user/current_user': { user_sys_id: sys_id, user_name },
    '/api/now/table/incident': [],
    '/api/now/table/sys_user_has_role': ROLES.map((name) => ({ user: sys_id, 'role.name': name })),
    '/api/now/table/sys_store_app': [{ scope: 'x_cion_citrix_it_s', version: '24.3.0', active: 'true' }],
  }
  const result = rows[new URL(request.url, instance).pathname]
  if (request.method !== 'GET' || !result) return send(response, 404, { error: { message: 'No Record found', detail: '' }, status: 'failure' })
  send(response, 200, { result })
})

const commands = {
  /** Moves the clock of everything here. */
  advance: ({ seconds }) => { ahead += Number(seconds) * 1000 },
  /** An administrator takes every consent back. */
  take_back: async () => { for (const id of grants) await (await provider.Grant.find(id))?.destroy() },
  /** What was refused since the last time, with the true cause. */
  refusals: () => refusals.splice(0),
  /** How many of the tokens that were ever issued would still be taken. */
  living: async () => (await Promise.all(issued.map(lives))).filter(Boolean).length,
}

control.on('request', async (request, response) => {
  const url = new URL(request.url, controls)
  const command = commands[url.pathname.slice(1)]
  if (!command) return send(response, 404, null)
  send(response, 200, await command(Object.fromEntries(url.searchParams)) ?? null)
})

console.log(JSON.stringify({ issuer, instance, control: controls }))
process.stdin.resume().on('end', () => process.exit(0))

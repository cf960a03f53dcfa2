// Registers an account with an instance through a person's consent: opens the browser, where the person signs in and
// clicks Allow, and waits for it on a port of this machine.
//
// Takes the customer id and the address of the instance as arguments; `--by-hand` shows the address to open instead, for
// a browser that the program cannot open itself. SERVICENOW_CLIENT_ID and SERVICENOW_CLIENT_SECRET are the OAuth endpoint's,
// SERVICENOW_REDIRECT_URL is its redirect URL, such as http://127.0.0.1:8719/callback (left out: the one in use, or else
// one on a free port, to be entered at the endpoint). ITSM_ADAPTER_STORE names the database that the account was added to.
import { parseArgs } from 'node:util'
import { Client, ItsmError } from 'itsm-adapter'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { 'by-hand': { type: 'boolean' } } })
const [customerId = '', instanceUrl = ''] = positionals
const request = {
  customerId,
  instanceUrl,
  clientId: process.env.SERVICENOW_CLIENT_ID,
  clientSecret: process.env.SERVICENOW_CLIENT_SECRET,
  redirectUrl: process.env.SERVICENOW_REDIRECT_URL,
}
const client = await Client.open()
// Ctrl-C gives the authorization up: a late callback of it is refused.
const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())

async function byHand() {
  const { flowId, authorizationUrl, redirectUrl } = await client.registrations.listen(request, interrupted)
  console.log(`The browser comes back to ${redirectUrl}`)
  console.log(`Open ${authorizationUrl}`)
  return client.registrations.waitFor({ flowId }, interrupted)
}

try {
  const inBrowser = () => client.registrations.authorizeInBrowser(request, interrupted)
  const { connection, userName, previousUserName } = await (values['by-hand'] ? byHand() : inBrowser())
  console.log(`${userName ?? 'Somebody whom the instance does not name'} has signed in.`)
  if (previousUserName) console.log(`Until now it was ${previousUserName}.`)
  console.log(`${customerId} is ${connection.status} with ${connection.instanceId}, days left: ${connection.grant?.daysLeft}`)
} catch (error) {
  if (!(error instanceof ItsmError) && !interrupted.signal.aborted) throw error
  const denied = error instanceof ItsmError && error.code === 'consent_denied'
  console.error(denied ? 'The person did not allow it.' : String(error), error instanceof ItsmError ? error.remedy : '')
  process.exitCode = 1
} finally {
  client.close()
}

// The whole life of the adapter: nothing, connected, registered, an alert is an incident.
//
// Needs CITRIX_CUSTOMER_ID, CITRIX_CLIENT_ID, CITRIX_CLIENT_SECRET, SERVICENOW_URL, SERVICENOW_CLIENT_ID,
// SERVICENOW_CLIENT_SECRET, SERVICENOW_USER, SERVICENOW_PASSWORD; CITRIX_ENVIRONMENT is "us" when left out, and the state
// is kept in memory unless ITSM_ADAPTER_STORE names a file.
import { readFileSync } from 'node:fs'
import { Client, ItsmError } from 'itsm-adapter'

const NOTIFICATION = new URL('../notification.json', import.meta.url)

/** @param {string} name */
function given(name) {
  const value = process.env[name]
  if (!value) throw new Error(`The environment variable ${name} is missing.`)
  return value
}

async function main() {
  const [customerId, instanceUrl] = [given('CITRIX_CUSTOMER_ID'), given('SERVICENOW_URL')]
  const client = await Client.open({ store: process.env.ITSM_ADAPTER_STORE ?? 'memory' })
  const environment = /** @type {import('itsm-adapter').Environment} */ (process.env.CITRIX_ENVIRONMENT ?? 'us')
  const [clientId, clientSecret] = [given('CITRIX_CLIENT_ID'), given('CITRIX_CLIENT_SECRET')]
  await client.accounts.get(customerId).catch(error => {
    if (error.code !== 'not_found') throw error
    return client.accounts.add({ customerId, environment, clientId, clientSecret })
  })
  await client.connections.connect({ customerId, instanceUrl, instanceName: 'Help desk' })
  const connection = await client.registrations.register({
    customerId,
    instanceUrl,
    clientId: given('SERVICENOW_CLIENT_ID'),
    clientSecret: given('SERVICENOW_CLIENT_SECRET'),
    userName: given('SERVICENOW_USER'),
    password: given('SERVICENOW_PASSWORD'),
  })
  console.log(`${customerId} is ${connection.status} with ${connection.instanceId}`)

  // What Citrix Cloud sends to a webhook, made out to this account.
  const body = readFileSync(NOTIFICATION, 'utf8').replaceAll('acmecorp0001', customerId)
  const accepted = await client.alerts.submitWebhook({ body, customerId })
  if (!accepted) throw new Error('The callback tells of something else than a new notification.')
  const { incident } = await client.alerts.deliver(accepted.id)
  console.log(`${incident?.number}: ${incident?.shortDescription} (priority ${incident?.priority})`)

  /** @type {import('itsm-adapter').Condition[]} */
  const query = [{ field: 'correlation_id', operator: 'equals', value: accepted.correlationId }]
  const found = await client.records.query({ customerId, table: 'incident', query, fields: ['number', 'state'], limit: 1 })
  console.log('the instance shows', found)
  client.close()
}

main().catch(error => {
  if (!(error instanceof ItsmError)) throw error
  console.error(`It ends here, in ${error.operation}: ${error.message} ${error.remedy} (transaction ${error.transactionId})`)
  process.exitCode = 1
})

// The Manage list: checks every registration and shows status, health, and the days left of its grant.
//
// Ends with 1 when something needs a person. ITSM_ADAPTER_STORE names the database.
import { Client, ItsmError } from 'itsm-adapter'

/** @typedef {import('itsm-adapter').Connection} Connection */

const SOON = 14
const client = await Client.open()

/** @param {Connection} known */
async function checked(known) {
  const { customerId, instanceId, status } = known
  if (status === 'unregistered') return known
  try {
    return await client.registrations.check({ customerId, instanceUrl: instanceId })
  } catch (error) {
    if (!(error instanceof ItsmError)) throw error
    console.error(`${customerId} at ${instanceId} cannot be checked: ${error.message}`)
    return known
  }
}

/** @param {unknown[]} columns */
function show(...columns) {
  const widths = [16, 36, 14, 12]
  console.log(columns.map((column, i) => String(column).padEnd(widths[i] ?? 0)).join(' '))
}

let needsAPerson = false
show('account', 'instance', 'status', 'health', 'days left')
for await (const known of client.connections.iterate()) {
  const { customerId, instanceId, instanceName, status, health, grant } = await checked(known)
  show(customerId, instanceName ?? instanceId, status, health, grant?.daysLeft ?? '-')
  if (health === 'hibernating') show('', 'sign in to the instance to wake it')
  needsAPerson ||= status === 'unauthorized' || (grant?.daysLeft ?? SOON) < SOON
}
client.close()
process.exitCode = needsAPerson ? 1 : 0

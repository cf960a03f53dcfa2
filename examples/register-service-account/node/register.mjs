// Registers an account with an instance through a service account: tests first, then saves.
//
// Takes the customer id and the address of the instance as arguments, the secrets from the environment:
// SERVICENOW_CLIENT_ID, SERVICENOW_CLIENT_SECRET, SERVICENOW_USER, SERVICENOW_PASSWORD. ITSM_ADAPTER_STORE names the
// database that the account was added to.
import { Client, ItsmError } from 'itsm-adapter'

const [customerId = '', instanceUrl = ''] = process.argv.slice(2)
const request = {
  customerId,
  instanceUrl,
  clientId: process.env.SERVICENOW_CLIENT_ID ?? '',
  clientSecret: process.env.SERVICENOW_CLIENT_SECRET ?? '',
  userName: process.env.SERVICENOW_USER ?? '',
  password: process.env.SERVICENOW_PASSWORD ?? '',
}
const client = await Client.open()

/** @param {ItsmError} error */
function why(error) {
  switch (error.code) {
    case 'already_registered':
      return `Unregister the account from ${error.context.held_by} first.`
    case 'unauthorized':
      return `The credentials are refused: ${error.message} ${error.remedy}`
    default:
      return `${error.code}: ${error.message} ${error.remedy} (transaction ${error.transactionId})`
  }
}

try {
  const report = await client.registrations.test(request)
  for (const { outcome, name, seen, remedy } of report.checks) {
    console.log(outcome.padEnd(8), name.padEnd(16), seen)
    if (outcome === 'fail') console.log(' '.repeat(25), remedy)
  }
  if (report.passed) {
    const { status, instanceId, grant } = await client.registrations.register(request)
    console.log(`${customerId} is ${status} with ${instanceId}, days left: ${grant?.daysLeft}`)
  } else {
    console.error('Nothing was saved.')
    process.exitCode = 1
  }
} catch (error) {
  if (!(error instanceof ItsmError)) throw error
  console.error(why(error))
  process.exitCode = 1
} finally {
  client.close()
}

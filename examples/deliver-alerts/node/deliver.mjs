// Makes incidents of alerts: one JSON object per line, from a file or standard input.
//
// Alerts are stored first, many in one go, and cannot be lost; then a worker delivers until nothing waits any more. A second
// run with the same lines makes no second incident. ITSM_ADAPTER_STORE names the database in which the account is
// registered. Ends with 0 when nothing waits or failed, else with 1.
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Client, ItsmError } from 'itsm-adapter'

/** Alerts that are submitted together. */
const TOGETHER = 500

const input = process.argv[2] ? createReadStream(process.argv[2]) : process.stdin
const client = await Client.open()
/** @type {import('itsm-adapter').SubmitAlert[]} */
const read = []
/** @type {Set<string>} */
const accepted = new Set()

/** @param {string} line @returns {import('itsm-adapter').SubmitAlert} */
function alertOf(line) {
  const { customer_id, raised_at, ...alert } = JSON.parse(line)
  return { ...alert, customerId: customer_id, raisedAt: raised_at && new Date(raised_at) }
}

async function submit() {
  for (const { id } of await client.alerts.submitMany(read.splice(0))) accepted.add(id)
}

try {
  for await (const line of createInterface({ input })) {
    if (line.trim() !== '') read.push(alertOf(line))
    if (read.length === TOGETHER) await submit()
  }
  await submit()
  const { pending, unknown, dead } = await client.alerts.drain()
  let incidents = 0
  for (const deliveryId of accepted) {
    const { alert, status, incident, failure } = await client.alerts.get(deliveryId)
    if (incident) incidents++
    console.log(`${alert.id}: ${incident?.number ?? [status, failure].filter(Boolean).join(', ')}`)
  }
  console.log(`${incidents} of ${accepted.size} alerts are incidents`)
  if (pending + unknown + dead > 0) {
    console.log(`In the whole store ${pending + unknown} wait and ${dead} cannot be delivered`)
    process.exitCode = 1
  }
} catch (error) {
  if (!(error instanceof ItsmError)) throw error
  console.error(`${error.code}: ${error.message} ${error.remedy}`)
  process.exitCode = 1
} finally {
  client.close()
}

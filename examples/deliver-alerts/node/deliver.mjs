// Makes incidents of alerts: one JSON object per line, from a file or standard input.
//
// Every alert is stored first and cannot be lost; a second run with the same lines makes no second incident. At most 16
// are delivered at a time. ITSM_ADAPTER_STORE names the database in which the account is registered.
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Client, ItsmError } from 'itsm-adapter'

const input = process.argv[2] ? createReadStream(process.argv[2]) : process.stdin
const client = await Client.open()

/** @param {string} line */
async function submit(line) {
  const { raised_at, customer_id, ...alert } = JSON.parse(line)
  const raisedAt = raised_at && new Date(raised_at)
  return client.alerts.submit({ state: 'raised', fields: {}, ...alert, customerId: customer_id, raisedAt })
}

/** @param {import('itsm-adapter').Delivery} delivery */
async function deliver({ id, alert }) {
  try {
    const { incident } = await client.alerts.deliver(id)
    console.log(`${alert.id}: ${incident?.number}`)
    return true
  } catch (error) {
    if (!(error instanceof ItsmError)) throw error
    console.log(`${alert.id}: ${error.retryable ? 'later' : 'needs a person'}: ${error.message} ${error.remedy}`)
    return false
  }
}

/** @type {import('itsm-adapter').Delivery[]} */
const waiting = []
for await (const line of createInterface({ input })) {
  if (line.trim() !== '') waiting.push(await submit(line))
}
const all = waiting.length
let done = 0
async function work() {
  for (let next; (next = waiting.shift()); ) if (await deliver(next)) done++
}
await Promise.all(Array.from({ length: 16 }, work))
console.log(`${done} of ${all} alerts are incidents`)
client.close()
process.exitCode = done === all ? 0 : 1

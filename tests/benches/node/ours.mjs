// The adapter for Node, as a worker.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '../../../bindings-node/itsm-adapter.mjs'
import { account, concurrently, fields, record, serve, url } from './work.mjs'

const folder = mkdtempSync(join(tmpdir(), 'itsm-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true }))
const client = await Client.open({ store: join(folder, 'adapter.db'), citrixUrl: url, instanceHosts: ['127.0.0.1'], allowPrivateNetworks: true })
const empty = await Client.open({ store: 'memory' })
await client.accounts.add({ customerId: account, environment: 'us', clientId: 'client', clientSecret: 'secret' })
await client.registrations.register({ customerId: account, instanceUrl: url, clientId: 'client', clientSecret: 'secret', userName: 'user', password: 'password' })

await serve({
  insert: concurrently(async () => {
    const made = await client.records.insert({ customerId: account, table: 'incident', record, fields })
    if (!made.number) throw new Error('no number')
  }),
  async bulk(count, inFlight) {
    const made = await client.records.insertMany({ customerId: account, table: 'incident', records: Array(count).fill(record), fields, inFlight })
    if (!made.every(each => each.status === 'fulfilled')) throw new Error('not all were made')
  },
  async noop(count) {
    for (let i = 0; i < count; i++) await empty.instances.list()
  },
  call(count) {
    for (let i = 0; i < count; i++) empty.isClosed
  },
  // A function of Node's own that is native too, and does next to nothing.
  host(count) {
    for (let i = 0; i < count; i++) process.getgid()
  },
})

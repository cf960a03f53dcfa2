// Compiled, never run: what the types promise, and what they refuse.
import {
  AbortError, Client, ItsmError, egressRanges, forwardLogs,
  type Account, type AlertSource, type Authorization, type Authorized, type Connection, type ConnectionStatus, type Delivery,
  type DeliveryLag, type Environment, type ErrorKind, type Event, type RecordPage, type RunOptions, type Webhook, type Worker,
} from 'itsm-adapter'

const environment: Environment = 'us'
const client: Client = await Client.open({ store: 'memory', key: 'secret' }, { signal: AbortSignal.timeout(1) })
const account: Account = await client.accounts.add({ customerId: 'a', environment, clientId: 'b', clientSecret: 'c' })
const connection: Connection = await client.connections.connect({ customerId: account.customerId, instanceUrl: 'd' }, {})
const status: ConnectionStatus = connection.status
const days: number | undefined = connection.grant?.daysLeft
const at: Date = connection.createdAt
const nothing: void = await client.accounts.remove('a')
const delivery: Delivery | null = await client.alerts.submitWebhook({ body: new Uint8Array() })
const records: Array<Record<string, string>> = await client.records.query({ customerId: 'a', table: 'b', limit: 1 })
await client.records.query({ customerId: 'a', table: 'b' }) satisfies object[]
const settled = await client.records.insertMany({ customerId: 'a', table: 'b', records })
if (settled[0]?.status === 'fulfilled') settled[0].value.number satisfies string | undefined
for await (const page of client.records.pages({ customerId: 'a', table: 'b' })) page satisfies RecordPage
for await (const event of client.subscribe({ signal: AbortSignal.timeout(1) })) event satisfies Event
for await (const one of client.connections.iterate({ customerId: 'a' })) one satisfies Connection
const observation = client.observe((event: Event) => void event.kind)
client.unobserve(observation)
{
  using watching = client.observe(() => {})
  await using other = await Client.open()
  void [watching.id, other.isClosed satisfies boolean]
}
const run: RunOptions = { concurrency: 8 }
const worker: Worker = await client.alerts.run(run, { signal: AbortSignal.timeout(1) })
const ended: void = await worker.ended({ signal: AbortSignal.timeout(1) })
{
  await using another = await client.alerts.run()
  void another.stop
}
const lag: DeliveryLag = await client.alerts.drain()
const many: Delivery[] = await client.alerts.submitMany([{ customerId: 'a', source: 'b', id: 'c', title: 'd', severity: 'error' }] as const)
const begun: Authorization = await client.registrations.listen({ customerId: 'a', instanceUrl: 'b' })
const authorized: Authorized = await client.registrations.waitFor({ flowId: begun.flowId, timeoutMs: 1 })
await client.registrations.authorizeInBrowser({ customerId: 'a', instanceUrl: 'b', timeoutMs: 1 }) satisfies Authorized
await client.registrations.relocate({ fromInstanceUrl: 'a', customerId: 'b', instanceUrl: 'c', clientId: 'd', clientSecret: 'e', userName: 'f', password: 'g' })
const action: 'incident' | 'ignore' | 'hold' = (await client.policies.explain({ alert: many[0]!.alert, at: new Date() })).action
await client.policies.set({ customerId: 'a', document: { rules: [] } })
await client.policies.set({ customerId: 'a', document: '{}' })
await client.alerts.submitMapped({ customerId: 'a', body: '{}', mapping: { title: '/text' } })
const hooks: Webhook[] = await client.webhooks.list('a')
const source: AlertSource = (await client.sources.poll({ customerId: 'a', source: 'monitor', since: new Date() })).source
const other = await Client.open({ oauthServers: [{ tokenUrl: '/token' }], grantWarningDays: [30] })
const ranges: string[] = egressRanges('japan')
const here: boolean = forwardLogs('warn', line => void line.message)
try {
  client.close()
} catch (error) {
  if (error instanceof AbortError) error.code satisfies 'ABORT_ERR'
  if (error instanceof ItsmError) {
    error.code satisfies ErrorKind
    error.retryAfterMs satisfies number | undefined
    error.context.held_by satisfies string | undefined
    // @ts-expect-error a word that no error has
    if (error.code === 'nonsense') throw error
  }
}
// @ts-expect-error an environment that there is not
await client.accounts.add({ customerId: 'a', environment: 'mars', clientId: 'b', clientSecret: 'c' })
// @ts-expect-error an error that nothing failed with
void new ItsmError('x')
// @ts-expect-error an abort of nothing
void new AbortError('x')
// @ts-expect-error a policy that is a number
await client.policies.set({ customerId: 'a', document: 7 })
// @ts-expect-error a source that there is not
await client.sources.poll({ customerId: 'a', source: 'rumours' })
// @ts-expect-error an alert without its severity
await client.alerts.submit({ customerId: 'a', source: 'b', id: 'c', title: 'd' })
// @ts-expect-error a relocation from nowhere
await client.registrations.relocate({ customerId: 'b', instanceUrl: 'c', clientId: 'd', clientSecret: 'e', userName: 'f', password: 'g' })
// @ts-expect-error a missing argument
await client.accounts.add({ customerId: 'a' })
// @ts-expect-error a number for an id
await client.accounts.get(1)
// @ts-expect-error a signal that is none
await client.accounts.get('a', { signal: true })
export { action, at, authorized, days, ended, hooks, lag, other, source, delivery, here, nothing, ranges, status }

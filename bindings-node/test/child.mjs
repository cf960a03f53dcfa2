// A child process with a client of its own; its arguments are the options and an account.
import { Client } from 'itsm-adapter'

const [options, account] = process.argv.slice(2).map(text => JSON.parse(text))
const client = await Client.open(options)
await client.accounts.add(account)
await client.accounts.test(account.customerId)
process.disconnect()

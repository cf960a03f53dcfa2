// Compiled, never run: the types under require.
import adapter = require('itsm-adapter')

async function main(): Promise<adapter.AccountPage> {
  const client = await adapter.Client.open({ store: 'memory' })
  return client.accounts.list({ limit: 1 })
}
export = main

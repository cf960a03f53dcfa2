// What a careful person would use instead: `undici`, or Node's `fetch`.
import { createRequire } from 'node:module'
import { concurrently, headers, record, serve, table, url } from './work.mjs'

const sent = { method: 'POST', headers: await headers() }

async function undici() {
  const { Pool } = createRequire(`${process.env.PEERS}/`)('undici')
  const pool = new Pool(url, { connections: 64 })
  const path = table.slice(url.length)
  return async () => {
    const answer = await pool.request({ ...sent, path, body: JSON.stringify(record) })
    const { result } = await answer.body.json()
    if (!result.number) throw new Error('no number')
  }
}

async function plain() {
  return async () => {
    const answer = await fetch(table, { ...sent, body: JSON.stringify(record) })
    const { result } = await answer.json()
    if (!result.number) throw new Error('no number')
  }
}

await serve({ insert: concurrently(await { undici, fetch: plain }[process.argv[3]]()) })

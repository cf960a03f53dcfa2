// The line protocol of a worker, and what all of them send; see ../python/work.py.
import { createInterface } from 'node:readline'

export const url = process.argv[2]
export const account = 'benchcustomer'
export const fields = ['sys_id', 'number']
export const table = `${url}/api/now/table/incident?sysparm_fields=sys_id%2Cnumber&sysparm_exclude_reference_link=true`
export const record = {
  short_description: 'Cloud Connector EDGE01 is offline',
  description: 'The Cloud Connector EDGE01 in the resource location Headquarters has not been heard of for 15 minutes.',
  impact: '2',
  urgency: '2',
  correlation_id: 'citrix-0123456789abcdef0123456789abcdef01234567',
}

export async function headers() {
  const answer = await fetch(`${url}/oauth_token.do`, { method: 'POST', body: 'grant_type=password' })
  const { access_token } = await answer.json()
  return { authorization: `Bearer ${access_token}`, accept: 'application/json', 'content-type': 'application/json' }
}

/** Does the work so many times, so many at a time. */
export function concurrently(work) {
  return async (count, inFlight) => {
    let left = count
    const run = async () => {
      while (left-- > 0) await work()
    }
    await Promise.all(Array.from({ length: inFlight }, run))
  }
}

export async function serve(tasks) {
  console.log('ready')
  for await (const line of createInterface(process.stdin)) {
    const [name, count, inFlight] = line.split(' ')
    const wall = process.hrtime.bigint()
    const cpu = process.cpuUsage()
    await tasks[name](Number(count), Number(inFlight))
    const used = process.cpuUsage(cpu)
    console.log(Number(process.hrtime.bigint() - wall) / 1e9, (used.user + used.system) / 1e6)
  }
  process.exit()
}

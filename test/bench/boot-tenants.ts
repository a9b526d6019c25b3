import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { WritProcess } from '../kit/writ-process.ts'
import { residentBytes } from './measure-http.ts'
import { livingBytes, startMeasured } from './measure-memory.ts'
import type { Report } from './run.ts'

const sizes = [1_000, 10_000]
/** More than the registry keeps, so that the oldest are dropped. */
const asked = 250

/** Start → ready beside many tenants; what one costs while nobody asks, and once it has been asked; how many connections all share. */
export async function bootTenants(report: Report): Promise<void> {
  for (const count of sizes) {
    const [url] = (await report.databases(['writ_tenants'])) ?? []
    if (url === undefined) return
    const first = await startMeasured({ DATABASE_URL: url })
    await first.stop({ keep: true })
    const few = await startMeasured({ DATABASE_URL: url, WRIT_DATA: first.dataFolder })
    const alone = await settled(few)
    await few.stop({ keep: true })
    await insertTenants(url, count)
    const many = await startMeasured({ DATABASE_URL: url, WRIT_DATA: first.dataFolder })
    try {
      const beside = await settled(many)
      report.row(`start to ready beside ${count} tenants, ms`, { ready: many.readyAfter })
      report.ratio(`start to ready beside ${count} tenants, s`, many.readyAfter / 1_000, { atMost: 5 })
      report.row(`an idle tenant of ${count}, bytes in memory`, { bytes: Math.max(0, beside - alone) / count })
      if (count === sizes[0]) await askTenants(report, many, { url, count, beside })
    } finally {
      await many.stop()
    }
  }
}

async function askTenants(
  report: Report,
  writ: WritProcess,
  { url, count, beside }: { readonly url: string; readonly count: number; readonly beside: number },
): Promise<void> {
  const ask = (number: number) => fetch(`${writ.issuer}/t/t${number}/oauth2/jwks`).then((answer) => answer.json())
  const began = performance.now()
  for (let number = 0; number < asked; number += 10)
    await Promise.all(Array.from({ length: 10 }, (_, more) => ask((number + more) % count)))
  report.row(`first request of ${asked} tenants, keys made, ms each`, { ms: (performance.now() - began) / asked })
  report.row('a tenant in use: provider, rules, keys, bytes in memory', {
    bytes: ((await livingBytes(writ)) - beside) / asked,
    residentMegabytes: residentBytes(writ.child.pid ?? 0) / 1e6,
  })
  const again = performance.now()
  for (let number = 0; number < 50; number += 1) await ask(number)
  report.row('a tenant that was dropped, first request again, ms', { ms: (performance.now() - again) / 50 })
  report.ratio('connections to the database', await connections(url), { atMost: 20 })
}

/** Idle for a moment: what starting needed has been given back. */
async function settled(writ: WritProcess): Promise<number> {
  await sleep(4_000)
  return livingBytes(writ)
}

async function insertTenants(url: string, count: number): Promise<void> {
  await withClient(url, async (client) => {
    const ids = `select 't' || n as id from generate_series(0, ${count - 1}) as n`
    await client.query(`insert into tenant (id, name) select id, id from (${ids}) as i`)
    await client.query(`insert into tenant_revision (tenant_id) select id from (${ids}) as i`)
    await client.query(`insert into organization (tenant_id, id, name) select id, 'default', id from (${ids}) as i`)
  })
}

const connections = (url: string): Promise<number> =>
  withClient(url, async (client) => {
    const { rows } = await client.query<{ count: number }>(
      `select count(*)::int as count from pg_stat_activity where datname = current_database() and application_name = 'writ'`,
    )
    return rows[0]?.count ?? Number.NaN
  })

export async function withClient<T>(url: string, run: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return await run(client)
  } finally {
    await client.end()
  }
}

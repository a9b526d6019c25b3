import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import autocannon from 'autocannon'
import { livingBytes, slopeOf, startMeasured } from './measure-memory.ts'
import { seedClient } from './provider.ts'
import { grantLoad } from './provider-rates.ts'
import type { Report } from './run.ts'

/** Samples, each after so many grants; the first ones fill caches and are not counted. */
const tokens = Number(process.env.BENCH_TOKENS ?? 1_000_000)
const samples = 20
const warming = 4
/** What a million tokens may leave behind: less than ten bytes of each. */
const bytesAToken = 10

/** What lives after each twentieth of a million grants: it may not rise. `BENCH_TOKENS` for a shorter run. */
export const providerMemory = {
  name: 'provider-memory',
  summary: 'memory that lives while a million tokens are issued',
  async run(report: Report): Promise<void> {
    const [url] = (await report.databases(['writ_memory'])) ?? []
    if (url === undefined) return
    const folder = mkdtempSync(join(tmpdir(), 'writ-bench-'))
    const writ = await startMeasured({ DATABASE_URL: url })
    try {
      const load = grantLoad(`${writ.issuer}/oauth2/token`, seedClient(writ, folder))
      const living: number[] = []
      const amount = Math.ceil(tokens / samples)
      for (let sample = 0; sample < samples; sample += 1) {
        const { non2xx, errors } = await autocannon({
          ...load,
          headers: { ...load.headers },
          connections: 16,
          amount,
          // Without it nothing says how long an amount may take.
          duration: 600,
        })
        if (non2xx + errors > 0) throw new Error(`${non2xx + errors} grants failed`)
        living.push(await livingBytes(writ))
      }
      const counted = living.slice(warming)
      report.row('living after collection, MB', {
        first: (living[0] ?? 0) / 1e6,
        counted: (counted[0] ?? 0) / 1e6,
        last: (living.at(-1) ?? 0) / 1e6,
      })
      report.ratio('bytes that a token leaves behind (trend)', Math.max(0, slopeOf(counted) / amount), {
        atMost: bytesAToken,
      })
    } finally {
      await writ.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

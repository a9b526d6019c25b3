import { setTimeout as sleep } from 'node:timers/promises'
import { startWrit } from '../kit/writ-process.ts'
import { bootTenants } from './boot-tenants.ts'
import { residentBytes } from './measure-http.ts'
import type { Report } from './run.ts'

const starts = 3

/** Start → ready with an empty folder and with one that is there; idle memory of all processes; then beside many tenants. */
export const boot = {
  name: 'boot',
  summary: 'start to ready, idle resident memory, and both beside thousands of tenants',
  async run(report: Report): Promise<void> {
    const [empty, later]: [number[], number[]] = [[], []]
    let memory = Number.NaN
    for (let turn = 0; turn < starts; turn++) {
      const first = await startWrit()
      empty.push(first.readyAfter)
      await first.stop({ keep: true })
      const second = await startWrit({ WRIT_DATA: first.dataFolder })
      later.push(second.readyAfter)
      if (turn === starts - 1) {
        await sleep(5_000)
        memory = residentBytes(second.child.pid ?? 0)
      }
      await second.stop()
    }
    report.row('start to ready, ms (best of 3)', { emptyFolder: Math.min(...empty), later: Math.min(...later) })
    report.row('idle resident memory with the embedded database, MB', { megabytes: memory / 1e6 })
    const databases = await report.databases(['writ_boot'])
    if (!databases) return
    const served = await startWrit({ DATABASE_URL: databases[0] ?? '' })
    await sleep(5_000)
    report.row('idle resident memory with DATABASE_URL, MB', { megabytes: residentBytes(served.child.pid ?? 0) / 1e6 })
    await served.stop()
    await bootTenants(report)
  },
}

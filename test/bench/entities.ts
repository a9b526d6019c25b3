import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Figures } from './decision-docs.ts'
import type { Report } from './run.ts'

/** A million people, a million documents, ten million tuples: read from PostgreSQL, asked, changed. */
export const entities = {
  name: 'entities',
  summary: 'a tenant of 1 M people, 1 M documents and 10 M tuples',
  async run(report: Report): Promise<void> {
    const urls = await report.databases(['entities'])
    if (!urls) return
    const script = fileURLToPath(new URL('./entities-process.ts', import.meta.url))
    const args = ['--expose-gc', '--max-old-space-size=3000', script, urls[0] ?? '']
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 24 })
    const lines = stdout.trim().split('\n')
    for (const line of lines.slice(0, -1)) report.note(line)
    const found = JSON.parse(lines.at(-1) ?? '{}') as Figures // its last line
    report.row('read from PostgreSQL', { seconds: found.loadSeconds, longestBlockedMilliseconds: found.blocked })
    report.row('is one a reader, ns', { hot: found.hot, allDifferent: found.cold })
    report.row('whole decision from text ids, ns', { hot: found.decision, allDifferent: found.coldDecision })
    report.row('one edge put or taken away', { microseconds: found.change, worstMilliseconds: found.worstChange })
    report.row('accounted for, of what the process took', { ratio: found.accounted })
    report.ratio('resident megabytes', found.resident ?? Number.NaN, { atMost: 2000 })
    report.ratio('read, seconds', found.loadSeconds ?? Number.NaN, { atMost: 60 })
    report.ratio('membership, hot, nanoseconds', found.hot ?? Number.NaN, { atMost: 100 })
    report.ratio('one edge, mean, milliseconds', (found.change ?? Number.NaN) / 1000, { atMost: 1 })
  },
}

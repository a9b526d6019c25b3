import { writeFileSync } from 'node:fs'
import { createReport, type Report } from './report.ts'

export type { Report } from './report.ts'
export type Bench = { readonly name: string; readonly summary: string; run(report: Report): Promise<void> }

/** Every bench, loaded only when asked for: some need a database or peers that are not installed everywhere. */
const benches: { readonly [name: string]: () => Promise<Bench> } = {
  decision: async () => (await import('./decision.ts')).decision,
  authzen: async () => (await import('./authzen.ts')).authzen,
  provider: async () => (await import('./provider.ts')).provider,
  'provider-memory': async () => (await import('./provider-memory.ts')).providerMemory,
  language: async () => (await import('./language.ts')).language,
  entities: async () => (await import('./entities.ts')).entities,
  filter: async () => (await import('./filter.ts')).filter,
  boot: async () => (await import('./boot.ts')).boot,
}

/** `npm run bench [-- name…] [--json FILE] [--write-docs]`: ratios against peers in the same run, answers checked before anything is timed. */
async function main(args: readonly string[]): Promise<number> {
  const at = args.indexOf('--json')
  const file = at >= 0 ? args[at + 1] : undefined
  const names = args.filter((each, index) => each !== '--write-docs' && (at < 0 || (index !== at && index !== at + 1)))
  const unknown = names.filter((name) => !Object.hasOwn(benches, name))
  if (unknown.length > 0 || (at >= 0 && file === undefined)) {
    console.error(`usage: npm run bench [-- name…] [--json FILE]\nbenches: ${Object.keys(benches).join(', ')}`)
    return 2
  }
  const report = createReport((line) => console.log(line))
  for (const [name, load] of Object.entries(benches)) {
    if (names.length > 0 && !names.includes(name)) continue
    const bench = await load()
    report.begin(bench.name, bench.summary)
    try {
      await bench.run(report)
    } finally {
      await report.close()
    }
  }
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(report.rows, null, 2)}\n`)
  return report.missed.length > 0 ? 1 : 0
}

process.exitCode = await main(process.argv.slice(2))

import { type RealPostgres, realPostgresNeed, startRealPostgres } from '../kit/postgres.ts'

export type Report = {
  readonly rows: readonly ReportRow[]
  /** Bars that were not reached. */
  readonly missed: readonly string[]
  begin(bench: string, summary: string): void
  row(name: string, values: { readonly [unit: string]: number | undefined }): void
  /** A ratio with its bar; a ratio that misses it makes the run fail. */
  ratio(name: string, value: number, bar?: { readonly atLeast?: number; readonly atMost?: number }): void
  note(text: string): void
  /** URLs of new databases on a real PostgreSQL; undefined, said aloud, where there is none. */
  databases(names: readonly string[]): Promise<readonly string[] | undefined>
  /** Ends the servers that the databases stand on. */
  close(): Promise<void>
}
export type ReportRow = {
  readonly bench: string
  readonly name: string
  readonly values: { readonly [unit: string]: number | undefined }
}

export function createReport(print: (line: string) => void): Report {
  const rows: ReportRow[] = []
  const missed: string[] = []
  const servers: RealPostgres[] = []
  let bench = ''
  const row: Report['row'] = (name, values) => {
    rows.push({ bench, name, values })
    const texts = Object.entries(values).map(([unit, value]) =>
      value === undefined ? `${unit} –` : `${unit} ${significant(value)}`,
    )
    print(`  ${name.padEnd(44)} ${texts.join('  ')}`)
  }
  return {
    rows,
    missed,
    begin: (name, summary) => {
      bench = name
      print(`${name}: ${summary}`)
    },
    row,
    ratio: (name, value, bar = {}) => {
      const holds = value >= (bar.atLeast ?? 0) && value <= (bar.atMost ?? Number.POSITIVE_INFINITY)
      if (!holds) missed.push(`${bench}: ${name}`)
      row(`${name}${holds ? '' : '  MISSED'}`, { ratio: value, ...bar })
    },
    note: (text) => print(`  ${text}`),
    databases: async (names) => {
      if (realPostgresNeed.missing !== undefined) {
        print(`  skipped: ${realPostgresNeed.missing}`)
        return undefined
      }
      const server = await startRealPostgres()
      servers.push(server)
      const urls: string[] = []
      for (const _ of names) urls.push(await server.createDatabase())
      return urls
    },
    close: async () => {
      await Promise.all(servers.splice(0).map((server) => server.stop()))
    },
  }
}

const significant = (value: number): string => (Math.abs(value) >= 1000 ? value.toFixed(0) : value.toPrecision(3))

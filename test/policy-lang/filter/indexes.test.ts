import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Database } from '../../../adapters/database/port.ts'
import { compileFilter, compileProgram, createEntityStore, type SqlSource } from '../../../policy-lang/index.ts'
import { foundation } from '../../../server/schema/0001-foundation.ts'
import { describeWith } from '../../kit/availability.ts'
import { openTestDatabase, type TestDatabase } from '../../kit/database.ts'
import { type RealPostgres, startRealPostgres } from '../../kit/postgres.ts'
import { entity } from '../program-kit.ts'
import { createFunctions } from './filter-rows.ts'
import { filterServerNeed } from './server-need.ts'

const schema = `module indexes

type Level = "low" < "mid" < "high"

entity Person {}
entity Team {}
entity Room in upper: Room? {}
entity Job in Room {
  n: Int
  rank: Int
  wait: Duration
  flag: Bool
  due: Time
  end?: Time
  level: Level
  label: String
  owner: Person
  holder: Person | Team
  author: Person
}
action read on Job by Person
`
const tables = [
  `create table job (tenant_id text not null, id text not null, n bigint, rank integer, wait bigint, flag boolean, due timestamptz,
    ended timestamptz, level text, label text, owner_id text, holder_id text, holder_type text, author_id text, author_type text,
    room_id text, primary key (tenant_id, id))`,
  `insert into job select 't', i::text, i, i, i * 1000, i % 5000 = 0, timestamptz '2026-01-01T00:00:00Z' + i * interval '1 minute',
    timestamptz '2026-01-01T00:00:00Z' + i * interval '1 minute', case when i % 4000 = 0 then 'high' else 'low' end, 'l' || i,
    'p' || (i % 5000), 'p' || (i % 5000), 'Person', 'p' || (i % 5000), 'Person', 'r' || (i % 5000) from generate_series(1, 20000) i`,
  'create index job_n on job (n)',
  'create index job_rank on job (rank)',
  'create index job_wait on job (wait)',
  'create index job_flag on job (id) where flag',
  'create index job_due on job (due)',
  'create index job_ended on job (ended)',
  'create index job_level on job (level)',
  'create index job_label on job (label)',
  'create index job_owner on job (owner_id)',
  'create index job_holder on job (holder_id)',
  'create index job_author on job (author_id)',
  'create index job_room on job (room_id)',
  'analyze job',
]
const source: SqlSource = {
  tenantId: 't',
  types: new Map([
    [
      'Job',
      {
        table: 'job',
        idColumn: 'id',
        tenantColumn: 'tenant_id',
        attributes: {
          n: { column: 'n', kind: 'integer' },
          rank: { column: 'rank', kind: 'integer' },
          wait: { column: 'wait', kind: 'integer' },
          flag: { column: 'flag', kind: 'boolean' },
          due: { column: 'due', kind: 'timestamptz' },
          end: { column: 'ended', kind: 'timestamptz' },
          level: { column: 'level', kind: 'text' },
          label: { column: 'label', kind: 'text' },
          owner: { column: 'owner_id', kind: 'text' },
          holder: { column: 'holder_id', kind: 'text', typeColumn: 'holder_type' },
          author: { column: 'author_id', kind: 'text', typeColumn: 'author_type' },
          room: { column: 'room_id', kind: 'text' },
        },
      },
    ],
  ]),
}

/** The index that a list of the condition reads, and how many rows it finds. */
const served: readonly (readonly [condition: string, index: string, rows: number])[] = [
  ['job.n == 5', 'job_n', 1],
  ['5 == job.n', 'job_n', 1],
  ['job.n < 4', 'job_n', 3],
  ['19_998 < job.n', 'job_n', 2],
  ['job.n in [1, 2, 30_000]', 'job_n', 2],
  ['job.rank >= 19_999', 'job_rank', 2],
  ['job.rank == 9_223_372_036_854_775_807', 'job_rank', 0],
  ['job.wait <= 2s', 'job_wait', 2],
  ['job.flag', 'job_flag', 4],
  ['job.due <= 2026-01-01T00:02:00Z', 'job_due', 2],
  ['job.due == 2026-01-01T00:02:00Z', 'job_due', 1],
  ['context.now > job.due', 'job_due', 9],
  ['has job.end and job.end < context.now', 'job_ended', 9],
  ['job.level == "high"', 'job_level', 5],
  ['job.level in ["high", "mid"]', 'job_level', 5],
  ['job.label == "l7"', 'job_label', 1],
  ['job.label in ["l7", "l8"]', 'job_label', 2],
  ['job.owner == person', 'job_owner', 4],
  ['job.holder == person', 'job_holder', 4],
  ['job.author == person', 'job_author', 4],
  ['person in job.owner', 'job_owner', 4],
  ['job.room == Room::"r1"', 'job_room', 4],
  ['job.n == 5 or job.owner == person', 'job_n', 5],
  ['job.owner == person and not (job.n == 7)', 'job_owner', 3],
]

async function planOf(database: Database, condition: string) {
  const pattern = condition.includes('person in') ? 'owner of job' : 'person: Person'
  const when = condition.includes('person in') ? '' : `\n  when ${condition}`
  const text = `${schema}\n@id("r")\nallow read on job: Job to ${pattern}${when}\n`
  const { program, diagnostics } = compileProgram([{ path: 'indexes.fbac', text }])
  if (!program) throw new Error(diagnostics.map(({ message }) => message).join('; '))
  const question = { subject: entity('Person', 'p7'), action: 'read', type: 'Job', context: new Map() }
  const now = Date.UTC(2026, 0, 1, 0, 10)
  const filter = compileFilter(program, createEntityStore(program), question, { now, source })
  if (!filter.ok) throw new Error(filter.diagnostics.map(({ message }) => message).join('; '))
  const list = `select t.id from job t where t.tenant_id = 't' and (${filter.sql})`
  const found = await database.query({ name: '', text: list }, filter.bindings)
  const lines = await database.query<{ 'QUERY PLAN': string }>({ name: '', text: `explain ${list}` }, filter.bindings)
  return { rows: found.length, plan: lines.map((line) => line['QUERY PLAN']).join('\n') }
}

function areServed(get: () => TestDatabase): void {
  test.each(served)('%s is served by %s', async (condition, index, count) => {
    const { plan, rows } = await planOf(get().database, condition)
    expect(plan).toContain(index)
    expect(plan).not.toContain('Seq Scan')
    expect(rows).toBe(count)
  })
}

async function open(url?: string): Promise<TestDatabase> {
  const opened = await openTestDatabase({ migrations: [foundation], ...(url && { url }) })
  await createFunctions(opened.database)
  for (const text of tables) await opened.database.query({ name: '', text })
  return opened
}

describe('a column is compared as it is, so that its index serves the list (fbac.md §11): embedded database', () => {
  let opened: TestDatabase
  beforeAll(async () => {
    opened = await open()
  }, 60_000)
  afterAll(() => opened?.close())
  areServed(() => opened)
})

describeWith(filterServerNeed, 'the same on a PostgreSQL server', () => {
  let postgres: RealPostgres
  let opened: TestDatabase
  beforeAll(async () => {
    postgres = await startRealPostgres()
    opened = await open(await postgres.createDatabase())
  }, 60_000)
  afterAll(async () => {
    await opened?.close()
    await postgres?.stop()
  })
  areServed(() => opened)
})

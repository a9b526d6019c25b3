import { randomBytes } from 'node:crypto'
import { listObjects } from '../../platform/storage/list-page.ts'
import type { Bucket } from '../../platform/storage/model.ts'
import type { EntityValue } from '../../policy-lang/index.ts'
import { listSettings } from '../../server/decision/read-page.ts'
import type { RequestScope } from '../../server/module.ts'
import { entity, type ListStand, openListStand } from '../server/decision/list-stand.ts'
import type { Report } from './run.ts'

const rows = 1_000_000
const owned = 100
const viewed = 1_000
const pageLength = 50
const turns = 21

type Case = {
  readonly name: string
  readonly subject: EntityValue
  readonly rules?: string
  /** Keys that the first page begins and ends with, as whoever wrote the rows knows. */
  readonly expected: readonly [first: string, last: string]
  readonly length?: number
}

const keyOf = (index: number): string => `k${String(index).padStart(8, '0')}`
const user = (id: string): EntityValue => entity('User', id)
const cases: readonly Case[] = [
  { name: 'an editor of the bucket, who sees all', subject: user('ed'), expected: [keyOf(0), keyOf(49)] },
  {
    name: `an owner of ${owned}, scattered`,
    subject: user('ann'),
    expected: [keyOf(0), keyOf(490_000)],
  },
  {
    name: `a viewer of ${viewed}, by a tuple each`,
    subject: user('vic'),
    expected: [keyOf(1), keyOf(49_001)],
  },
  {
    name: 'an editor under a deny of half by size, and of what is older than a day',
    subject: user('ed'),
    rules: `@id("large") deny read on object: StoredObject to anyone
  when object.size > 500 or object.createdAt < context.now - 1d
`,
    expected: [keyOf(0), keyOf(98)],
  },
  {
    name: 'an editor whose rules name two hundred keys of the million',
    subject: user('ed'),
    rules: `@id("named") deny read on object: StoredObject to anyone
  when object.key not in [${Array.from({ length: 200 }, (_, at) => JSON.stringify(keyOf(at * 5_000))).join(', ')}]
`,
    expected: [keyOf(0), keyOf(245_000)],
  },
  { name: 'a stranger', subject: user('sue'), expected: ['', ''], length: 0 },
]

/** The first page of a list over a million stored rows, by the rules as SQL: filter, statement and plan. */
export const filter = {
  name: 'filter',
  summary: `first page of ${pageLength} over ${rows.toLocaleString('en')} rows on PostgreSQL`,
  async run(report: Report): Promise<void> {
    const urls = await report.databases(['filter'])
    if (!urls) return
    const env = { WRIT_SECRET_KEY: randomBytes(32).toString('base64url'), WRIT_REJUDGED_LISTS: '0' }
    const stand = await openListStand({ ...env, DATABASE_URL: urls[0] ?? '' })
    try {
      const bucket = await fill(stand)
      for (const each of cases) await measure(report, stand, { ...each, bucket })
    } finally {
      await stand.close()
    }
  },
}

async function fill(stand: ListStand): Promise<Bucket> {
  const { database } = stand.kernel
  const bucket = await stand.bucket('big')
  const now = new Date(stand.kernel.clock.now()).toISOString()
  const run = (text: string, values: readonly unknown[] = []) => database.query({ name: '', text }, values)
  const objects = `insert into storage_object (tenant_id, id, bucket_id, key, owner_type, owner_id, version_id, content_type, size, sha256,
  physical_name, created_at, updated_at)
select 'default', 'obj-' || n, 'big', 'k' || lpad(n::text, 8, '0'), 'User',
  case when n % ${rows / owned} = 0 then 'ann' else 'u' || (n % 5000) end, 'v' || n, 'text/plain',
  case when n % 2 = 0 then 100 else 1000 end, '00', 'p' || n, $1::timestamptz - (n % 20) * interval '1 hour', $1
from generate_series($2::int, $3::int) n`
  const chunk = 100_000
  for (let from = 0; from < rows; from += chunk) await run(objects, [now, from, from + chunk - 1])
  const one = (type: string, id: string, relation: string, person: string) => ({
    resource: entity(type, id),
    relation,
    subject: { kind: 'one', entity: user(person) } as const,
  })
  await stand.put(
    one('Bucket', 'big', 'editor', 'ed'),
    ...Array.from({ length: viewed }, (_, at) => one('StoredObject', `obj-${at * 1000 + 1}`, 'viewer', 'vic')),
  )
  // As a table is some time after it was filled: the first reader of fresh rows would write them.
  for (const table of ['storage_object', 'relation']) await run(`vacuum analyze ${table}`)
  return bucket
}

async function measure(
  report: Report,
  stand: ListStand,
  { bucket, name, subject, rules, expected, length = pageLength }: Case & { readonly bucket: Bucket },
): Promise<void> {
  const scope = await scopeOf(stand, subject, rules)
  const list = () => listObjects(stand.storage, scope, bucket, { prefix: '', limit: pageLength })
  const { page, statements } = await listening(stand, list)
  const keys = page.items.map(({ row }) => row.key)
  if (keys.length !== length || (keys.at(0) ?? '') !== expected[0] || (keys.at(-1) ?? '') !== expected[1])
    throw new Error(`${name}: ${keys.length} rows from ${keys.at(0)} to ${keys.at(-1)}`)
  const times: number[] = []
  for (let turn = 0; turn < turns; turn += 1) {
    const started = performance.now()
    await list()
    times.push(performance.now() - started)
  }
  times.sort((a, b) => a - b)
  const alone: number[] = []
  for (let turn = 0; turn < turns; turn += 1) {
    const started = performance.now()
    await stand.kernel.lists.filter(scope, { action: 'read', type: 'StoredObject' })
    alone.push(performance.now() - started)
  }
  alone.sort((a, b) => a - b)
  const scans = (await Promise.all(statements.map((each) => scansOf(stand, each)))).flat()
  report.row(name, {
    medianMilliseconds: times[Math.floor(turns / 2)],
    worst: times.at(-1),
    filterAlone: alone[Math.floor(turns / 2)],
  })
  report.note(`plan: ${scans.length === 0 ? 'no statement' : [...new Set(scans)].join(', ')}`)
  report.ratio(`${name}: median, milliseconds`, times[Math.floor(turns / 2)] ?? Number.NaN, { atMost: 20 })
  report.ratio(`${name}: scans of whole tables`, scans.filter((scan) => scan.startsWith('Seq Scan')).length, {
    atMost: 0,
  })
}

async function scopeOf(stand: ListStand, subject: EntityValue, rules: string | undefined): Promise<RequestScope> {
  if (rules === undefined) return stand.scopeOf(subject)
  const files = { 'filter.fbac': `import StoredObject from "storage"\n${rules}` }
  const { policy } = await stand.kernel.policies.compose(stand.kernel.tenants.default().id, 'bench', files)
  if (!policy) throw new Error('the rules of the bench do not compile')
  return stand.scopeOf(subject, policy)
}

type Asked = { readonly text: string; readonly values: readonly unknown[] }

/** What `list` asks about objects. */
async function listening<Page>(
  { kernel: { database } }: ListStand,
  list: () => Promise<Page>,
): Promise<{ readonly page: Page; readonly statements: readonly Asked[] }> {
  const statements: Asked[] = []
  const { query } = database
  const heard: typeof query = (statement, values) => {
    if (statement.text.includes('"storage_object" t')) statements.push({ text: statement.text, values: values ?? [] })
    return query.call(database, statement, values) as never
  }
  Object.assign(database, { query: heard })
  try {
    return { page: await list(), statements }
  } finally {
    Object.assign(database, { query })
  }
}

type Plan = {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly Plans?: readonly Plan[]
}

/** Every scan of the plan that PostgreSQL makes of it. */
async function scansOf({ kernel: { database } }: ListStand, { text, values }: Asked): Promise<readonly string[]> {
  const explain = () =>
    database.query<{ readonly 'QUERY PLAN': readonly [{ readonly Plan: Plan }] }>(
      { name: '', text: `explain (format json) ${text}` },
      values,
    )
  const [row] = await database.transaction(explain, { ...listSettings, 'writ.tenant': 'default' })
  const visit = (plan: Plan): readonly string[] => {
    const on = plan['Index Name'] ?? plan['Relation Name']
    const own = plan['Node Type'].includes('Scan') && on !== undefined ? [`${plan['Node Type']} ${on}`] : []
    return [...own, ...(plan.Plans ?? []).flatMap(visit)]
  }
  return row ? visit(row['QUERY PLAN'][0].Plan) : []
}

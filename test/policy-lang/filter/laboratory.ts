import { readFileSync } from 'node:fs'
import type { Database } from '../../../adapters/database/port.ts'
import {
  compileFilter,
  compileProgram,
  type EntityStore,
  type EntityValue,
  type Program,
  type Value,
} from '../../../policy-lang/index.ts'
import { createTenantGraph } from '../../../server/decision/tenant-graph.ts'
import { entity } from '../program-kit.ts'
import { documentSource } from './filter-rows.ts'
import { type Asking, now, type Stand } from './judge-conditions.ts'
import { items, others, tuples } from './laboratory-rows.ts'

export const schema = readFileSync(new URL('laboratory.fbac', import.meta.url), 'utf8')
export const tenantId = 'lab'

export function laboratoryProgram(): Program {
  const { program, diagnostics } = compileProgram([{ path: 'laboratory.fbac', text: schema }])
  if (!program) throw new Error(diagnostics.map(({ message }) => message).join('; '))
  return program
}

const statement = (text: string) => ({ name: '', text })

/** Rows of the tenant's own entity table, and what the server's own loader makes of them. */
export async function openEntityTable(
  database: Database,
  program: Program,
): Promise<Stand & { readonly graph: EntityStore }> {
  await database.query(statement('insert into tenant (id, name) values ($1, $1) on conflict do nothing'), [tenantId])
  for (const { type, id, attributes } of [...items.map((item) => ({ ...item, type: 'Item' })), ...others]) {
    const members = Object.entries(attributes).map(([name, text]) => `${JSON.stringify(name)}:${text}`)
    await database.query(statement('insert into entity (tenant_id, type, id, attributes) values ($1, $2, $3, $4)'), [
      tenantId,
      type,
      id,
      `{${members.join(',')}}`,
    ])
  }
  await putTuples(database)
  const graph = createTenantGraph(database, tenantId, program)
  await graph.load()
  const { store } = graph
  const source = { ...documentSource(program, tenantId), tuples: { table: 'relation' } }
  const memory = { store, isElsewhere: () => false }
  return {
    name: 'entity table',
    table: 'entity',
    where: `t.tenant_id = '${tenantId}' and t.type = 'Item'`,
    ids: items.map(({ id }) => id),
    facts: store,
    graph: store,
    filter: (asked, question, firstBinding) =>
      compileFilter(asked, store, question, { now, source, memory, firstBinding }),
  }
}

export async function putTuples(database: Database): Promise<void> {
  for (const [[type, id, of = ''], relation, [resourceType, resourceId], more = {}] of tuples) {
    await database.query(
      statement(
        `insert into relation (tenant_id, subject_type, subject_id, subject_relation, relation, resource_type, resource_id, until, condition_name, condition_context)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing`,
      ),
      [
        tenantId,
        type,
        id,
        of,
        relation,
        resourceType,
        resourceId,
        more.until ?? null,
        more.condition ?? null,
        more.context ?? null,
      ],
    )
  }
}

const person = (id: string): EntityValue => entity('Person', id)
const texts = (...values: string[]): Value => ({ kind: 'set', items: values })
const asking = (title: string, subject: EntityValue, context: { readonly [name: string]: Value } = {}): Asking => ({
  title,
  subject,
  context: new Map(Object.entries(context)),
})

/** Nobody's context is whole, and one holds what PostgreSQL cannot. */
export const askings: readonly Asking[] = [
  asking('p1', person('p1'), {
    k: 5,
    word: 'green',
    words: texts('red', 'green'),
    ks: { kind: 'set', items: [1, 5] },
    who: person('p2'),
    group: { kind: 'set', items: [person('p1'), person('p2')] },
    cost: 105_001,
    wait: 5_400_000,
    moment: Date.UTC(2026, 2, 2, 10, 30),
    from: { kind: 'ip', version: 4, bits: 0x0a010203n, prefix: 32 },
    ip: { kind: 'ip', version: 6, bits: 1n, prefix: 128 },
    door: 'open',
    rate: { kind: 'map', entries: new Map([['eur', 3]]) },
    where: { kind: 'record', fields: new Map([['city', 'Bonn']]) },
    stops: { kind: 'set', items: [{ kind: 'record', fields: new Map([['city', 'green']]) }] },
  }),
  asking('p2 with hostile texts', person('p2'), {
    k: 9_223_372_036_854_775_807n,
    word: 'gr\0een',
    words: texts('red', 'blue', 'a\0b', '\ud800'),
    who: person('nobody\0'),
    group: { kind: 'set', items: [person('p2'), person('\udc00')] },
    cost: -9_223_372_036_854_775_808n,
    wait: -1,
    moment: Date.UTC(2000, 0, 1),
    rate: { kind: 'map', entries: new Map([['eu\0r', 3]]) },
    where: { kind: 'record', fields: new Map([['city', '\ud800']]) },
    stops: { kind: 'set', items: [{ kind: 'record', fields: new Map([['city', '\0']]) }] },
  }),
  asking('nobody with a NUL', person('no\0body')),
  asking('p4', person('p4'), { word: 'a%b_c\\d*e', words: texts() }),
]

/** Rows whose one odd attribute the condition reads; the others are to it as the whole one is. */
export function rowsFor(condition: string, ids: readonly string[]): readonly string[] {
  const roads = /\b(viewer|blocked|limited|seen|hidden|all_|guest|welcome|warden)\b/.test(condition)
    ? ['n', 'owner', 'people', 'room', 'other']
    : /item (==|in)\b/.test(condition)
      ? ['room']
      : []
  return ids.filter((id) => {
    const [name = '', index] = id.split('-')
    return index === undefined || roads.includes(name) || new RegExp(`item\\.${name}\\b`).test(condition)
  })
}

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { compileProgram, type EntityStore, type Program } from '../../../policy-lang/index.ts'
import type { LoadProgress } from '../../../server/decision/load-facts.ts'
import { createTenantGraph, type TenantGraph } from '../../../server/decision/tenant-graph.ts'
import type { Change } from '../../../server/events/change.ts'
import { foundation } from '../../../server/schema/0001-foundation.ts'
import { tupleConditions } from '../../../server/schema/0013-tuple-conditions.ts'
import { tupleKinds } from '../../../server/schema/0043-tuple-kinds.ts'
import { openTestDatabase, type TestDatabase } from '../../kit/database.ts'

const source = `module graph

entity Person {
}
entity Team {
  relation member: Person | Team
  role lead: Person
  role deputy: Person
}
entity Room in upper: Room? {
  size: Int
  relation guest: Person | Team | any Person
  relation keeper: Person
}
action enter on Room by Person
allow enter on r: Room to guest of r
`

function compiled(): Program {
  const { program, diagnostics } = compileProgram([{ path: 'graph.fbac', text: source }])
  if (!program) throw new Error(diagnostics.map(({ message }) => message).join('; '))
  return program
}

const tenantId = 'acme'
const program = compiled()
let opened: TestDatabase

beforeAll(async () => {
  opened = await openTestDatabase({ migrations: [foundation, tupleConditions, tupleKinds] })
})
beforeEach(async () => {
  await opened.empty()
  for (const id of [tenantId, 'other']) await run('insert into tenant (id, name) values ($1, $1)', [id])
})
afterAll(() => opened.close())

const run = (text: string, values: readonly unknown[] = []) => opened.database.query({ name: '', text }, values)

type Row = {
  readonly resource: readonly [string, string]
  readonly relation: string
  readonly subject: readonly [string, string]
}

async function putRow({ resource, relation, subject }: Row, until?: string): Promise<Change> {
  await run(
    `insert into relation (tenant_id, resource_type, resource_id, relation, subject_type, subject_id, until)
values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
    [tenantId, ...resource, relation, ...subject, until ?? null],
  )
  return changeOf({ resource, relation, subject })
}
async function dropRow({ resource, relation, subject }: Row): Promise<Change> {
  await run(
    `delete from relation where tenant_id = $1 and resource_type = $2 and resource_id = $3 and relation = $4
and subject_type = $5 and subject_id = $6`,
    [tenantId, ...resource, relation, ...subject],
  )
  return changeOf({ resource, relation, subject })
}
const changeOf = ({ resource, relation, subject }: Row): Change => ({
  kind: 'relation',
  resource: { type: resource[0], id: resource[1] },
  relation,
  subject: { type: subject[0], id: subject[1] },
})
async function putRole(name: string, inherits: readonly string[], permits: boolean): Promise<Change> {
  const permissions = permits ? [{ action: 'enter', resourceType: 'Room' }] : []
  await run(
    `insert into role (tenant_id, scope_type, name, inherits, permissions) values ($1, 'Team', $2, $3, $4)
on conflict (tenant_id, scope_type, name) do update set inherits = excluded.inherits, permissions = excluded.permissions`,
    [tenantId, name, JSON.stringify(inherits), JSON.stringify(permissions)],
  )
  return { kind: 'role', scopeType: 'Team', name }
}
async function dropRole(name: string): Promise<Change> {
  await run(`delete from role where tenant_id = $1 and name = $2`, [tenantId, name])
  return { kind: 'role', scopeType: 'Team', name }
}
async function putRoom(id: string, upper: string | undefined, size: number): Promise<Change> {
  await run(
    `insert into entity (tenant_id, type, id, attributes) values ($1, 'Room', $2, $3)
on conflict (tenant_id, type, id) do update set attributes = excluded.attributes`,
    [tenantId, id, JSON.stringify({ size, ...(upper ? { upper: { type: 'Room', id: upper } } : {}) })],
  )
  return { kind: 'entity', entity: { type: 'Room', id } }
}

const teams = ['t1', 't2']
const rooms = ['r1', 'r2', 'r3']
const names = ['lead', 'deputy', 'helper', 'scout']
const people = ['p1', 'p2', 'p3']

/** All that a store says about the few entities that there are. */
function told(store: EntityStore): unknown {
  const resources = [...teams.map((id) => ['Team', id] as const), ...rooms.map((id) => ['Room', id] as const)]
  const tuples = resources.flatMap(([type, id]) =>
    [...names, 'member', 'guest', 'keeper'].flatMap((relation) =>
      [...store.tuplesOf({ kind: 'entity', type, id }, relation)].map((tuple) => JSON.stringify(tuple)),
    ),
  )
  const sizes = rooms.map((id) => store.attribute({ kind: 'entity', type: 'Room', id }, 'size'))
  const within = rooms.map((id) =>
    store.isWithin({ kind: 'entity', type: 'Room', id }, { kind: 'entity', type: 'Room', id: 'r1' }),
  )
  return {
    tuples: tuples.sort(),
    sizes,
    within,
    permits: [...store.permittingRoles('Team', 'enter', 'Room')].sort(),
    count: store.size.tuples,
  }
}

type Step = (graph: TenantGraph) => Promise<Change>

const step: fc.Arbitrary<Step> = fc.oneof(
  fc
    .tuple(fc.constantFrom(...teams), fc.constantFrom(...names), fc.constantFrom(...people), fc.boolean())
    .map(([team, name, person, isPut]): Step => {
      const row: Row = { resource: ['Team', team], relation: name, subject: ['Person', person] }
      return () => (isPut ? putRow(row) : dropRow(row))
    }),
  fc
    .tuple(
      fc.constantFrom(...rooms),
      fc.constantFrom(['Person', 'p1'], ['Team', 't1'], ['Person', '*']),
      fc.boolean(),
      fc.boolean(),
    )
    .map(([room, [type = '', id = ''], isPut, ends]): Step => {
      const row: Row = { resource: ['Room', room], relation: 'guest', subject: [type, id] }
      return () => (isPut ? putRow(row, ends ? '2030-01-01T00:00:00Z' : undefined) : dropRow(row))
    }),
  fc.tuple(fc.nat(3), fc.subarray(names), fc.boolean()).map(
    ([at, inherits, permits]): Step =>
      () =>
        putRole(
          names[at] ?? '',
          inherits.filter((name) => names.indexOf(name) > at),
          permits,
        ),
  ),
  fc.constantFrom(...names).map(
    (name): Step =>
      () =>
        dropRole(name),
  ),
  fc.tuple(fc.constantFrom(...rooms), fc.nat(2), fc.nat(9)).map(
    ([room, upper, size]): Step =>
      () =>
        putRoom(room, rooms.slice(0, rooms.indexOf(room))[upper], size),
  ),
)

describe('the graph of a tenant', () => {
  test('that follows changes is the graph that is read anew, whatever changed', async () => {
    await fc.assert(
      fc
        .asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 6 }), async (batches) => {
          const followed = createTenantGraph(opened.database, tenantId, program)
          await followed.load()
          for (const batch of batches) {
            const changes: Change[] = []
            for (const each of batch) changes.push(await each(followed))
            await followed.apply(changes)
            const fresh = createTenantGraph(opened.database, tenantId, program)
            await fresh.load()
            expect(told(followed.store)).toEqual(told(fresh.store))
          }
        })
        .beforeEach(async () => {
          for (const table of ['relation', 'role', 'entity']) await run(`delete from ${table}`)
        }),
      { numRuns: 60 },
    )
  })

  test('is read in batches: a resource with more holders than one takes, and nothing of another tenant', async () => {
    await run(
      `insert into relation (tenant_id, resource_type, resource_id, relation, subject_type, subject_id)
select $1, 'Room', 'r1', 'guest', 'Person', 'p' || n from generate_series(1, 2500) n`,
      [tenantId],
    )
    await run(
      `insert into relation (tenant_id, resource_type, resource_id, relation, subject_type, subject_id)
select 'other', 'Room', 'r' || n, 'guest', 'Person', 'p' from generate_series(1, 50) n`,
    )
    await run(
      `insert into entity (tenant_id, type, id, attributes) select $1, 'Room', 'r' || n, '{"size":1}' from generate_series(1, 2100) n`,
      [tenantId],
    )
    const heard: LoadProgress[] = []
    let done: LoadProgress | undefined
    const graph = createTenantGraph(opened.database, tenantId, program, {
      loads: () => ({
        progress: (read) => heard.push({ ...read }),
        done: (read) => {
          done = read
        },
      }),
    })
    await graph.load()
    expect(graph.store.size).toMatchObject({ tuples: 2500, entities: 2100 })
    expect(done).toEqual({ tuples: 2500, entities: 2100 })
    expect(heard.length).toBeGreaterThan(3)
    const guest = (id: string) => [...graph.store.tuplesOf({ kind: 'entity', type: 'Room', id }, 'guest')].length
    expect([guest('r1'), guest('r2')]).toEqual([2500, 0])
  })

  test('is read as of one moment: what commits in between comes with its change', async () => {
    await putRow({ resource: ['Room', 'r1'], relation: 'guest', subject: ['Person', 'p1'] })
    await opened.database.transaction(
      async () => {
        const first = await run('select count(*)::int as found from relation')
        expect(first).toEqual([{ found: 1 }])
        expect(await run('show transaction_isolation')).toEqual([{ transaction_isolation: 'repeatable read' }])
      },
      { transaction_isolation: 'repeatable read' },
    )
    await expect(
      opened.database.transaction(async () => undefined, { transaction_isolation: 'none; drop table relation' }),
    ).rejects.toThrow('no isolation level')
  })
})

import type { Logger } from 'pino'
import { type Database, DatabaseError } from '../../../adapters/database/port.ts'
import { actionKey, checkFilter, type Diagnostic, type Program, readContext } from '../../../policy-lang/index.ts'
import type { ActivePolicy } from '../active-policy.ts'
import { createAsk } from '../ask.ts'
import { createBoundRows } from '../bound-rows.ts'
import type { PolicyCompiler } from '../compile-policies.ts'
import type { EntityBinding } from '../entity-binding.ts'
import { type FilterTables, filterSource } from '../filter-tables.ts'
import { limits } from '../limits.ts'
import { createReadFilter } from '../row-filter.ts'
import { meansTheSame } from './means-the-same.ts'
import { makeSampleTenant, sampleTenantId } from './sample-tenant.ts'
import { shadowTables } from './shadow-tables.ts'

/** A list that some module shows: whoever may do `action` on a stored row of `type` sees it. */
export type ListedAction = { readonly action: string; readonly type: string }

/** What the rules of a program make of the lists of modules. */
export type CheckLists = {
  /** What SQL cannot say, at its place, as warnings: such a list judges its rows one by one. */
  unsayable(policy: ActivePolicy): Promise<readonly Diagnostic[]>
  /**
   * The row oracle (SPEC 7.7): where check and filter differ over generated rows; there is no such place. Lists that mean what
   * they meant in `active` were judged then.
   */
  disagreements(
    policy: ActivePolicy,
    from: { readonly active: Program | undefined; readonly now: number },
  ): Promise<readonly ListDisagreement[]>
}
export type ListDisagreement = ListedAction & { readonly subject: string; readonly rows: readonly string[] }

export type CheckListsDeps = {
  readonly database: Pick<Database, 'query' | 'transaction'>
  readonly bindings: readonly EntityBinding[]
  readonly tables: () => Promise<FilterTables>
  readonly compiler: PolicyCompiler
  readonly lists: readonly ListedAction[]
  readonly log: Logger
}

export function createCheckLists(deps: CheckListsDeps): CheckLists {
  const declared = ({ actions }: Program) =>
    deps.lists.filter(({ action, type }) => actions.has(actionKey(action, type)))
  return {
    async unsayable({ program, tenantId }) {
      const source = filterSource(tenantId, program, await deps.tables())
      const found = declared(program).flatMap(({ action, type }) => {
        const subjects = program.actions.get(actionKey(action, type))?.subjects ?? []
        const types = subjects === 'anyone' ? [...program.entityTypes.keys(), 'Anonymous'] : subjects
        return types.flatMap((subjectType) => checkFilter(program, { subjectType, action, type }, source))
      })
      const distinct = new Map(found.map((each) => [JSON.stringify([each.code, each.span, each.message]), each]))
      return [...distinct.values()].map((each) => ({ ...each, severity: 'warning' }))
    },
    async disagreements(policy, { active, now }) {
      const found: ListDisagreement[] = []
      const changed = declared(policy.program).filter((list) => !active || !meansTheSame(policy.program, active, list))
      for (const list of changed) found.push(...(await judgeSample(deps, policy, { ...list, now })))
      return found
    },
  }
}

async function judgeSample(
  deps: CheckListsDeps,
  { program, version }: ActivePolicy,
  { action, type, now }: ListedAction & { readonly now: number },
): Promise<readonly ListDisagreement[]> {
  const known = await deps.tables()
  const tenant = makeSampleTenant({ program, action, type, rows: limits.sampleRows, now }, deps.bindings, known)
  const policy: ActivePolicy = { tenantId: sampleTenantId, version, program }
  const database = shadowTables(deps.database, tenant.tables)
  const boundRows = createBoundRows(
    database,
    deps.bindings.map((each) => ({ ...each, remembered: true })),
    quiet,
  )
  const graphs = { of: () => tenant.graph, evictIdle: () => undefined, sizes: () => [] }
  const readFilter = createReadFilter({ tables: deps.tables, graphs, boundRows, externs: noExterns, seen: () => 0n })
  const ask = createAsk({
    compiler: deps.compiler,
    graphs,
    boundRows,
    externs: noExterns,
    changes: quiet,
    log: deps.log,
  })
  const found: ListDisagreement[] = []
  for (const subject of tenant.subjects) {
    const resource = { kind: 'entity', type, id: '' } as const
    const json = { tenant: { type: 'Tenant', id: sampleTenantId }, scopes: scopesOf(program), ip: '192.0.2.7' }
    const context = readContext(program, { action, resource }, { json, mistyped: [] })
    const { filter, view } = await readFilter(policy, { subject, action, type, context, now, firstBinding: 2 })
    // What cannot be said is not listed by it.
    if (!filter.ok) continue
    const asked = tenant.ids.map((id) => ({
      request: { subject, action, resource: { ...resource, id }, context },
      given: [],
    }))
    const decisions = await ask(policy, asked, now, view)
    const allowed = new Set(tenant.ids.filter((_, at) => decisions[at]?.decision))
    const listed = await listedIds({ deps, database, known }, type, filter)
    const rows = listed === 'failed' ? ['*'] : [...allowed.symmetricDifference(listed)]
    if (rows.length > 0)
      found.push({ action, type, subject: `${subject.type}::${subject.id}`, rows: rows.slice(0, 10) })
  }
  return found
}

type Place = {
  readonly deps: CheckListsDeps
  readonly database: Pick<Database, 'query'>
  readonly known: FilterTables
}

/** A filter that PostgreSQL refuses is as wrong as one that lists what it must not. */
async function listedIds(
  { deps, database, known }: Place,
  type: string,
  filter: { readonly sql: string; readonly bindings: readonly unknown[] },
): Promise<ReadonlySet<string> | 'failed'> {
  const table = known.types.get(type)
  if (!table) return new Set()
  const id = `t.${quoted(table.idColumn)}`
  const text = `select ${id} as id from ${quoted(table.table)} t where t.${quoted(table.tenantColumn)} = $1 and ${filter.sql}`
  try {
    const statement = { name: '', text }
    const ask = () => database.query<{ readonly id: string }>(statement, [sampleTenantId, ...filter.bindings])
    const rows = await deps.database.transaction(ask, { jit: 'off' })
    return new Set(rows.map((row) => row.id))
  } catch (error) {
    if (error instanceof DatabaseError) throw error
    deps.log.error({ err: error, type }, 'a filter of generated rows failed')
    return 'failed'
  }
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
const scopesOf = ({ actions }: Program): readonly string[] => [
  ...new Set([...actions.values()].flatMap(({ scope }) => scope ?? [])),
]

/** Nothing changes in a sample. */
const quiet = {
  onChange: () => () => undefined,
  seen: () => 0n,
  follow: async () => 0n,
  catchUp: async () => 0n,
  silence: () => 0,
}
/** Nobody outside is called for it: every extern fails, here and there. */
const noExterns = {
  bind: () => undefined,
  areUsed: () => false,
  open: () => ({ misses: 0, value: () => undefined, load: async () => undefined }),
}

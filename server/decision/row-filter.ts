import {
  compileFilter,
  compileTree,
  type EntityData,
  type EntityStore,
  type EntityValue,
  type EvaluateOptions,
  type FactsView,
  type Filter,
  type Memory,
  noRow,
  nothingListed,
  type TreeResult,
  type Value,
} from '../../policy-lang/index.ts'
import type { ActivePolicy } from './active-policy.ts'
import type { BoundRows } from './bound-rows.ts'
import type { ExternCalls } from './extern-calls.ts'
import { type FilterTables, filterSource } from './filter-tables.ts'
import type { Graphs } from './graphs.ts'
import { type Loaded, readLoaded } from './loaded-facts.ts'

/** Who lists what. `row`: the alias of the listed table in the caller's query. */
export type RowQuestion = {
  readonly subject: EntityValue
  readonly action: string
  readonly type: string
  readonly context: ReadonlyMap<string, Value>
  readonly now: number
  readonly row?: string
  readonly firstBinding?: number
  /** Attributes that every row has which the caller's query is about. */
  readonly known?: ReadonlyMap<string, Value>
  /** Rows that the caller has already loaded: they win over stored ones. */
  readonly given?: readonly EntityData[]
  /** Also asked for: the filter of rows of which this attribute would be shown. */
  readonly field?: string
}
/**
 * A condition on stored rows that is TRUE exactly where a check would allow (SPEC 7.7). Ask it with `jit` off: compiling a
 * condition that is asked once to machine code costs seconds.
 */
export type PartialFilter = (policy: ActivePolicy, question: RowQuestion) => Promise<Filter>

/** A filter with the state of the tenant's graph that it was made from, so that checks can be of the same. */
export type ReadFilter = (
  policy: ActivePolicy,
  question: RowQuestion,
) => Promise<{
  readonly filter: Filter
  /** Rows whose `field` is shown too; its bindings follow those of `filter`. */
  readonly shown?: Filter
  readonly view: FactsView
  readonly position: bigint
}>

export type FilterDeps = {
  readonly tables: () => Promise<FilterTables>
  readonly graphs: Pick<Graphs, 'of'>
  readonly boundRows: BoundRows
  readonly externs: ExternCalls
}

export const createPartialFilter = (deps: FilterDeps): PartialFilter => {
  const read = createReadFilter({ ...deps, seen: () => 0n })
  return async (policy, question) => (await read(policy, question)).filter
}

export function createReadFilter(deps: FilterDeps & { readonly seen: (tenantId: string) => bigint }): ReadFilter {
  return async (policy, { row, firstBinding = 1, field, ...question }) => {
    const tables = await deps.tables()
    const source = filterSource(policy.tenantId, policy.program, tables)
    const { now: _, given: __, ...asked } = question
    return readRows(deps, policy, question, ({ base, facts, options, isLast }) => {
      const compile = (first: number, of?: string): Filter =>
        // What is still missing after so many rounds would count as absent: nobody may see anything by that.
        isLast
          ? noRow
          : compileFilter(policy.program, facts, asked, {
              ...{ ...options, source, firstBinding: first },
              ...(row !== undefined && { row }),
              ...(of !== undefined && { field: of }),
            })
      const filter = compile(firstBinding)
      const isShownByRow = field !== undefined && filter.ok && filter.fields === 'by row'
      return {
        filter,
        ...(isShownByRow ? { shown: compile(firstBinding + filter.bindings.length, field) } : {}),
        // ORDER: taken at once, so that checks see what the filter was made from.
        view: base.snapshot(),
        position: deps.seen(policy.tenantId),
      }
    })
  }
}

/** The same as data, for callers without SQL (SPEC 7.8). */
export type ReadTree = (policy: ActivePolicy, question: RowQuestion) => Promise<TreeResult>

export const createReadTree =
  (deps: FilterDeps): ReadTree =>
  (policy, question) => {
    const { program } = policy
    const { subject, action, type, context } = question
    const asked = { subject, action, type, context }
    return readRows(deps, policy, question, ({ facts, options, isLast }) =>
      isLast ? { ok: true, tree: nothingListed({ action, type }) } : compileTree(program, facts, asked, options),
    )
  }

type Read<Result> = (
  loaded: Omit<Loaded<EntityStore>, 'options'> & { readonly options: EvaluateOptions & { readonly memory: Memory } },
) => Result

/** What `read` makes of everything that the tenant's graph knows of the asker, and of the rows and externs it asks for. */
async function readRows<Result>(
  deps: FilterDeps,
  policy: ActivePolicy,
  { now, given = [], ...question }: RowQuestion,
  read: Read<Result>,
): Promise<Result> {
  const tables = await deps.tables()
  const isElsewhere = (type: string) => tables.types.has(type)
  const resource = { kind: 'entity', type: question.type, id: '' } as const
  const request = { subject: question.subject, action: question.action, resource, context: question.context }
  const asking = { policy, asked: { request, given }, now, open: () => deps.graphs.of(policy) }
  return readLoaded<Result, EntityStore>(deps, asking, (loaded) =>
    read({ ...loaded, options: { ...loaded.options, memory: { store: loaded.base, isElsewhere } } }),
  )
}

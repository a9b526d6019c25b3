import type { Logger } from 'pino'
import { DatabaseError } from '../../adapters/database/port.ts'
import {
  type Decision,
  type EntityData,
  type EntityValue,
  type FactsView,
  type Program,
  type Request,
  type SuppliedProperties,
  supplyProperties,
} from '../../policy-lang/index.ts'
import type { ChangeFeed } from '../events/change.ts'
import type { ActivePolicy } from './active-policy.ts'
import { createBoundReads } from './bound-reads.ts'
import type { BoundRows } from './bound-rows.ts'
import type { PolicyCompiler } from './compile-policies.ts'
import type { ExternCalls } from './extern-calls.ts'
import type { Graphs } from './graphs.ts'
import { limits } from './limits.ts'
import { createRequestRows, type RequestRows, trackFacts } from './tracked-facts.ts'

/** One typed question; `given` rows win over stored ones, `supplied` properties are laid over the stored row. */
export type Asked = {
  readonly request: Request
  readonly given: readonly EntityData[]
  readonly supplied?: readonly SuppliedProperties[]
}

/**
 * Facts, then evaluation: the one path by which the engine is asked. Whatever goes wrong is a deny with `unavailable`.
 * `decisions[i]` answers `asked[i]`; questions share the rows that they load.
 */
export type Ask = (
  policy: ActivePolicy,
  asked: readonly Asked[],
  now: number,
  /** A view of the tenant's graph that was taken before: several calls see one state. */
  view?: FactsView,
) => Promise<readonly Decision[]>

export type AskDeps = {
  readonly compiler: PolicyCompiler
  readonly graphs: Graphs
  readonly boundRows: BoundRows
  readonly externs: ExternCalls
  readonly changes: ChangeFeed
  readonly log: Logger
}

export function createAsk(deps: AskDeps): Ask {
  const reads = createBoundReads(deps.boundRows)
  const needsLoading = (program: Program, request: Request): boolean =>
    reads(program, request) || deps.externs.areUsed(program, request)
  return async (policy, asked, now, view) => {
    try {
      // Long without word from the database: hear it now, or do not answer from memory (admin.md §10).
      const isSilent = deps.changes.silence() > limits.silenceMilliseconds
      if (isSilent) await deps.changes.catchUp(policy.tenantId)
      const opened = view ?? deps.graphs.of(policy)
      const store = opened instanceof Promise ? await opened : opened
      const place = { policy, store, now }
      const bound = asked.filter(({ request }) => needsLoading(policy.program, request))
      const loaded = bound.length > 0 ? await evaluate(deps, place, bound) : []
      return bound.length === asked.length
        ? loaded
        : evaluateRest(deps, place, asked, new Map(bound.map((each, at) => [each, loaded[at]])))
    } catch (error) {
      if (!(error instanceof DatabaseError))
        deps.log.error({ err: error, tenantId: policy.tenantId }, 'a decision failed')
      return asked.map(() => unavailable)
    }
  }
}

/** Frozen: handed out again and again. */
export const unavailable: Decision = Object.freeze(denied('unavailable'))

function denied(code: string): Decision {
  return { decision: false, reasons: [], errors: [], degraded: [], advice: [], texts: [], code }
}

type Place = { readonly policy: ActivePolicy; readonly store: FactsView; readonly now: number }

/** Where no row of a bound table can matter the graph itself answers, so that compiled code does. */
function evaluateRest(
  deps: AskDeps,
  { policy, store, now }: Place,
  asked: readonly Asked[],
  done: ReadonlyMap<Asked, Decision | undefined>,
): Decision[] {
  const { program } = policy
  const evaluator = deps.compiler.evaluatorOf(program)
  return asked.map((question) => {
    const { request, given, supplied = [] } = question
    if (done.has(question)) return done.get(question) ?? unavailable
    if (given.length === 0 && supplied.length === 0) return evaluator.decide(store, request, { now })
    const rows = supplyProperties(program, given.length > 0 ? store.overlay(given, []) : store, supplied)
    const isSupplied = ({ uid }: EntityData) => rows.some((row) => row.uid.type === uid.type && row.uid.id === uid.id)
    return evaluator.decide(store.overlay([...given.filter((row) => !isSupplied(row)), ...rows], []), request, { now })
  })
}

/**
 * Evaluate, load rows and call externs that were asked for and are not there, evaluate again: the last round saw everything
 * that it asked for.
 */
async function evaluate(deps: AskDeps, place: Place, asked: readonly Asked[]): Promise<Decision[]> {
  const { policy, store, now } = place
  const { program, tenantId } = policy
  const evaluator = deps.compiler.evaluatorOf(program)
  const where = { tenantId, program, now }
  const shared = createRequestRows([])
  const externs = deps.externs.open(where)
  const rows = asked.map(({ given }) => layered(given, shared, (entity) => deps.boundRows.recall(where, entity)))
  const decisions: Decision[] = asked.map(() => denied('limit'))
  let open = asked.map((_, index) => index)
  for (let round = 0; round < limits.loadRounds && open.length > 0; round += 1) {
    const missing: EntityValue[] = []
    open = open.filter((index) => {
      const own = rows[index]
      const question = asked[index]
      if (!own || !question) return false
      const missesBefore = externs.misses
      const tracked = trackFacts(store, { program, rows: own, isBound: deps.boundRows.isBound })
      const supplied = supplyProperties(program, tracked.facts, question.supplied ?? [])
      if (tracked.missing.length === 0) {
        for (const row of supplied) own.give(row)
        decisions[index] = evaluator.decide(tracked.facts, question.request, { now, externs: externs.value })
      }
      missing.push(...tracked.missing)
      return tracked.missing.length > 0 || externs.misses > missesBefore
    })
    if (open.length === 0) return decisions
    if (shared.size + missing.length > limits.rowsPerDecision * asked.length) break
    const [loaded] = await Promise.all([deps.boundRows.load(where, missing), externs.load()])
    for (const [entity, row] of loaded) shared.put(entity, row)
    // An id that names no row anywhere (a NUL in it) is known to be absent too.
    for (const entity of missing) if (shared.get(entity) === undefined) shared.put(entity, null)
  }
  for (const index of open) decisions[index] = denied('limit')
  return decisions
}

/** Given rows first, then what this request has loaded, then what is remembered. */
function layered(
  given: readonly EntityData[],
  shared: RequestRows,
  recall: (entity: EntityValue) => EntityData | null | undefined,
): RequestRows & { give(row: EntityData): void } {
  const own = createRequestRows(given)
  return {
    give: (row) => own.put(row.uid, row),
    get(entity) {
      const row = own.get(entity) ?? shared.get(entity)
      if (row !== undefined) return row
      const known = recall(entity)
      // Fixed for the whole request, even if it is forgotten meanwhile.
      if (known !== undefined) shared.put(entity, known)
      return known
    },
    put: shared.put,
    get size() {
      return shared.size
    },
  }
}

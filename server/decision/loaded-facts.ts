import {
  type EntityData,
  type EvaluateOptions,
  type Facts,
  type FactsView,
  supplyProperties,
} from '../../policy-lang/index.ts'
import type { ActivePolicy } from './active-policy.ts'
import type { Asked } from './ask.ts'
import type { BoundRows } from './bound-rows.ts'
import type { ExternCalls } from './extern-calls.ts'
import { limits } from './limits.ts'
import { createRequestRows, type RequestRows, trackFacts } from './tracked-facts.ts'

/** What one reading of the facts is given. */
export type Loaded<View> = {
  /** The state that is read; it is this very one until the reading returns. */
  readonly base: View
  readonly facts: Facts
  readonly options: EvaluateOptions
  /** Rows that `facts` has over the view. */
  readonly given: readonly EntityData[]
  /** Nothing more is loaded after this: what it misses is absent. */
  readonly isLast: boolean
}

/**
 * Reads, loads the rows and makes the calls that were missed, and reads again until nothing is: the last reading saw
 * everything that it asked for. The state is opened anew for each, so that what was read is of one.
 */
export async function readLoaded<Result, View extends FactsView>(
  deps: { readonly boundRows: BoundRows; readonly externs: ExternCalls },
  question: {
    readonly policy: ActivePolicy
    readonly asked: Asked
    readonly now: number
    readonly open: () => View | Promise<View>
  },
  read: (loaded: Loaded<View>) => Result,
): Promise<Result> {
  const { policy, asked, now, open } = question
  const { program, tenantId } = policy
  const { isBound } = deps.boundRows
  const where = { tenantId, program, now }
  const rows = createRequestRows(asked.given)
  const externs = deps.externs.open(where)
  for (let round = 0; ; round += 1) {
    const opened = open()
    const base = opened instanceof Promise ? await opened : opened
    const missesBefore = externs.misses
    const tracked = trackFacts(base, { program, rows, isBound })
    const supplied = supplyProperties(program, tracked.facts, asked.supplied ?? [])
    const over = trackFacts(base, { program, rows: layered(createRequestRows(supplied), rows), isBound })
    const isLast = round === limits.loadRounds
    const options = { now, externs: externs.value }
    const result = read({ base, facts: over.facts, options, given: [...asked.given, ...supplied], isLast })
    const missing = [...tracked.missing, ...over.missing]
    if (isLast || (missing.length === 0 && externs.misses === missesBefore)) return result
    const [loaded] = await Promise.all([deps.boundRows.load(where, missing), externs.load()])
    for (const [entity, row] of loaded) rows.put(entity, row)
    for (const entity of missing) if (rows.get(entity) === undefined) rows.put(entity, null)
  }
}

const layered = (above: RequestRows, rows: RequestRows): RequestRows => ({
  ...rows,
  get: (entity) => above.get(entity) ?? rows.get(entity),
})

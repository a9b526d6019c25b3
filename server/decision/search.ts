import { setImmediate as breathe } from 'node:timers/promises'
import type { Logger } from 'pino'
import { DatabaseError } from '../../adapters/database/port.ts'
import {
  type Candidates,
  compareCodePoints,
  createLister,
  type EntityValue,
  type FactsView,
  type Lister,
  type Program,
} from '../../policy-lang/index.ts'
import type { ChangeFeed } from '../events/change.ts'
import type { ActivePolicy } from './active-policy.ts'
import type { Ask, Asked } from './ask.ts'
import type { BoundIds } from './bound-ids.ts'
import type { BoundRows } from './bound-rows.ts'
import type { ExternCalls } from './extern-calls.ts'
import type { Graphs } from './graphs.ts'
import { limits } from './limits.ts'
import { readLoaded } from './loaded-facts.ts'

/** Who or what of a type: `asked` with each id put in the place that `side` names. */
export type SearchQuestion = {
  readonly side: 'subject' | 'resource'
  readonly asked: Asked
}
export type PageWish = { readonly after: string | undefined; readonly limit: number; readonly now: number }
export type SearchPage = {
  /** Allowed ids, by code point. */
  readonly ids: readonly string[]
  /** The last id that was looked at; undefined at the end. */
  readonly next: string | undefined
  /** Every id of the page is allowed at this position of the tenant. */
  readonly position: bigint
}
export type Search = (
  policy: ActivePolicy,
  question: SearchQuestion,
  wish: PageWish,
) => Promise<SearchPage | 'unavailable'>

export type SearchDeps = {
  readonly ask: Ask
  readonly graphs: Graphs
  readonly boundRows: BoundRows
  readonly boundIds: BoundIds
  readonly externs: ExternCalls
  readonly changes: ChangeFeed
  readonly log: Logger
}

/** Every id of a page is one that a check allows; every id that a check allows is on some page (SPEC 8.2). */
export function createSearch(deps: SearchDeps): Search {
  const listers = new WeakMap<Program, Lister>()
  const listerOf = (program: Program): Lister => {
    const known = listers.get(program) ?? createLister(program)
    listers.set(program, known)
    return known
  }
  return async (policy, question, wish) => {
    try {
      // As for decisions: without word from the database nothing is answered from memory (admin.md §10).
      if (deps.changes.silence() > limits.silenceMilliseconds) await deps.changes.catchUp(policy.tenantId)
      const place = { ...deps, lister: listerOf(policy.program), policy }
      const seen = await findCandidates(place, question, wish)
      const ids = seen.isNarrowed ? seen.ids : await withBound(place, question, { wish, seen })
      return await judge(place, question, { wish, seen: { ...seen, ids } })
    } catch (error) {
      if (!(error instanceof DatabaseError))
        deps.log.error({ err: error, tenantId: policy.tenantId }, 'a search failed')
      return 'unavailable'
    }
  }
}

type Place = SearchDeps & { readonly lister: Lister; readonly policy: ActivePolicy }
/** What one state of the tenant's graph gives. */
type Seen = Candidates & { readonly view: FactsView; readonly position: bigint }

/** Narrowing reads rows of bound tables too; what it finds is of one state of the graph. */
async function findCandidates(place: Place, { side, asked }: SearchQuestion, { after, now }: PageWish): Promise<Seen> {
  const { policy, graphs, boundRows, changes, lister } = place
  const open = () => graphs.of(policy)
  return readLoaded(place, { policy, asked, now, open }, ({ base, facts, given, isLast }) => {
    const found = lister.candidates(
      {
        ...{ side, facts, given, request: asked.request, options: { now }, isElsewhere: boundRows.isBound },
        // What cannot be read to its end narrows nothing.
        ...(isLast ? {} : { store: base }),
      },
      { after, count: limits.checksPerPage },
    )
    // ORDER: taken at once, so that checks see what narrowing saw.
    return { ...found, view: base.snapshot(), position: changes.seen(policy.tenantId) }
  })
}

/** Rows of a bound table may be listed too: both sorted, so that their first ids together are the first of all. */
async function withBound(
  { boundIds, policy }: Place,
  { side, asked }: SearchQuestion,
  { wish, seen }: { readonly wish: PageWish; readonly seen: Seen },
): Promise<readonly string[]> {
  const from = { after: wish.after ?? '', count: limits.checksPerPage }
  const bound = await boundIds.after(policy.tenantId, asked.request[side].type, from)
  if (bound.length === 0) return seen.ids
  return [...new Set([...seen.ids, ...bound])].sort(compareCodePoints).slice(0, limits.checksPerPage)
}

async function judge(
  { ask, policy }: Place,
  question: SearchQuestion,
  { wish, seen }: { readonly wish: PageWish; readonly seen: Seen },
): Promise<SearchPage | 'unavailable'> {
  const { view, position, ids: candidates } = seen
  const ids: string[] = []
  // The first chunk is mostly enough where most are allowed.
  let size = Math.min(wish.limit + 1, limits.checksAtOnce)
  for (let at = 0; at < candidates.length; at += size) {
    if (at > 0) size = limits.checksAtOnce
    const chunk = candidates.slice(at, at + size)
    const decisions = await ask(
      policy,
      chunk.map((id) => withId(question, id)),
      wish.now,
      view,
    )
    for (const [index, id] of chunk.entries()) {
      const decision = decisions[index]
      if (!decision || decision.code === 'unavailable') return 'unavailable'
      if (!decision.decision) continue
      if (ids.length === wish.limit) return { ids, next: ids.at(-1), position }
      ids.push(id)
    }
    // Other requests have their turn between the chunks of a long page.
    await breathe()
  }
  return { ids, next: candidates.length === limits.checksPerPage ? candidates.at(-1) : undefined, position }
}

function withId({ side, asked }: SearchQuestion, id: string): Asked {
  const entity: EntityValue = { kind: 'entity', type: asked.request[side].type, id }
  return { ...asked, request: { ...asked.request, [side]: entity } }
}

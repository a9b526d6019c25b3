import type { EntityValue } from '../../policy-lang/index.ts'
import type { ChangeFeed } from '../events/change.ts'
import type { ActivePolicy } from './active-policy.ts'
import type { Ask, Asked } from './ask.ts'
import type { BoundIds } from './bound-ids.ts'
import type { Graphs } from './graphs.ts'
import { limits } from './limits.ts'

/** Who or what of a type: `asked` with each id put in the place that `side` names. */
export type SearchQuestion = {
  readonly side: 'subject' | 'resource'
  readonly type: string
  readonly asked: Asked
}
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
  page: { readonly after: string | undefined; readonly limit: number; readonly now: number },
) => Promise<SearchPage | 'unavailable'>

export type SearchDeps = {
  readonly ask: Ask
  readonly graphs: Graphs
  readonly boundIds: BoundIds
  readonly changes: ChangeFeed
}

/** Every id of a page is one that a check allows; every id that a check allows is on some page (SPEC 8.2). */
export function createSearch(deps: SearchDeps): Search {
  return async (policy, question, { after, limit, now }) => {
    const { type } = question
    const store = await deps.graphs.of(policy)
    const position = deps.changes.seen(policy.tenantId)
    const known = store.idsOf(type)
    const start = after === undefined ? 0 : known.findIndex((id) => id > after)
    const own = start < 0 ? [] : known.slice(start, start + limits.checksPerPage)
    const bound = await deps.boundIds.after(policy.tenantId, type, {
      after: after ?? '',
      count: limits.checksPerPage,
    })
    const candidates = [...new Set([...own, ...bound])].sort().slice(0, limits.checksPerPage)
    const ids: string[] = []
    for (let at = 0; at < candidates.length; at += limits.checksAtOnce) {
      const chunk = candidates.slice(at, at + limits.checksAtOnce)
      const decisions = await deps.ask(
        policy,
        chunk.map((id) => withId(question, id)),
        now,
      )
      for (const [index, id] of chunk.entries()) {
        const decision = decisions[index]
        if (!decision || decision.code === 'unavailable') return 'unavailable'
        if (!decision.decision) continue
        if (ids.length === limit) return { ids, next: ids.at(-1), position }
        ids.push(id)
      }
    }
    const isCut = candidates.length === limits.checksPerPage
    return { ids, next: isCut ? candidates.at(-1) : undefined, position }
  }
}

function withId({ side, type, asked }: SearchQuestion, id: string): Asked {
  const entity: EntityValue = { kind: 'entity', type, id }
  return { ...asked, request: { ...asked.request, [side]: entity } }
}

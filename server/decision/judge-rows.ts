import type { Decision, FactsView } from '../../policy-lang/index.ts'
import type { RequestScope } from '../http/request-scope.ts'
import { limits } from './limits.ts'
import { type Found, type Keyed, questionOf, type Reading, type RowListsDeps, rowsOf } from './page-reading.ts'
import type { RowListing } from './row-listing.ts'

/** Where SQL cannot say the rules: rows in order, each judged, until the page is full. */
export async function judgeRows<Row>(
  deps: RowListsDeps,
  { scope, listing, limit, from }: Reading<Row>,
  { view, position }: { readonly view: FactsView; readonly position: bigint },
): Promise<Found<Row> | 'unavailable'> {
  const { attribute, isCompared } = listing.order
  const parts = (['shown', 'hidden'] as const).filter(
    (part) => part === 'shown' || (attribute !== undefined && !isCompared),
  )
  const items: Keyed<Row>[] = []
  const condition = { sql: 'true', bindings: [] }
  let judged = 0
  for (const part of parts.slice(from?.part === 'hidden' ? 1 : 0)) {
    let after: Keyed<Row>['place'] | undefined = from?.part === part ? from : undefined
    for (let isEnd = false; !isEnd; ) {
      const wish = { tenantId: scope.tenant.id, part, after, count: limits.judgedRowsAtOnce, condition }
      const rows = await rowsOf(deps, listing, wish)
      const decisions = await judgeItems(deps, scope, { listing, items: rows, view })
      if (decisions === 'unavailable') return decisions
      items.push(
        ...rows.flatMap((item, at) => {
          const isListed = confirms(decisions[at], item, attribute)
          return isListed ? [{ ...item, ...fieldsOf(decisions[at]) }] : []
        }),
      )
      if (items.length > limit) return { items, limit, position }
      judged += rows.length
      after = rows.at(-1)?.place ?? after
      isEnd = rows.length < limits.judgedRowsAtOnce
      if (!isEnd && after && judged >= limits.judgedRowsPerPage) return { items, stopped: after, limit, position }
    }
  }
  return { items, limit, position }
}

export async function judgeItems<Row>(
  { ask }: RowListsDeps,
  scope: RequestScope,
  {
    listing,
    items,
    view,
  }: {
    readonly listing: RowListing<Row>
    readonly items: readonly Keyed<Row>[]
    readonly view: FactsView
  },
): Promise<readonly Decision[] | 'unavailable'> {
  const { subject, action, type, context } = questionOf(scope, listing)
  const asked = items.map(({ place }) => {
    const resource = { kind: 'entity', type, id: place.id } as const
    return { request: { subject, action, resource, context }, given: listing.given ?? [] }
  })
  const decisions = await ask(scope.policy, asked, scope.now, view)
  return decisions.some(({ code }) => code === 'unavailable') ? 'unavailable' : decisions
}

/** Allowed, and shown or hidden as the part of the list says. */
export function confirms<Row>(
  decision: Decision | undefined,
  { place }: Keyed<Row>,
  attribute: string | undefined,
): boolean {
  if (!decision?.decision) return false
  const isShown = attribute === undefined || (decision.fields?.includes(attribute) ?? true)
  return isShown === (place.part === 'shown')
}

export const fieldsOf = (decision: Decision | undefined) => (decision?.fields ? { fields: decision.fields } : {})

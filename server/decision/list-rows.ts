import type { Filter } from '../../policy-lang/index.ts'
import { errors as httpErrors } from '../http/errors.ts'
import type { RequestScope } from '../http/request-scope.ts'
import { errors } from './errors.ts'
import { limits } from './limits.ts'
import { type CursorBinding, type ListPlace, openCursor, sealCursor } from './list-cursor.ts'
import { type Found, questionOf, type RowListsDeps } from './page-reading.ts'
import { readPage } from './read-page.ts'
import type { RowFilter, RowListing, RowLists, RowPage } from './row-listing.ts'

export function createRowLists(deps: RowListsDeps): RowLists {
  const told = new WeakMap<object, Set<string>>()
  return {
    async filter(scope, { row, firstBinding, ...question }) {
      await hear(deps, scope)
      const { filter } = await deps.readFilter(scope.policy, {
        ...questionOf(scope, question),
        ...(row !== undefined && { row }),
        ...(firstBinding !== undefined && { firstBinding }),
      })
      return rowFilterOf(filter)
    },
    async tree(scope, question) {
      await hear(deps, scope)
      return deps.readTree(scope.policy, questionOf(scope, question))
    },
    async page(scope, listing, wish) {
      const binding = bindingOf(scope, listing)
      const from = wish.cursor === undefined ? undefined : openCursor(deps.secrets, wish.cursor, binding)
      await hear(deps, scope, from && BigInt(from.position))
      const isSampled = deps.isSampled()
      for (let reading = 0; reading < limits.listReadings; reading += 1) {
        const found = await readPage(deps, { scope, listing, limit: wish.limit, from, isSampled, told })
        if (found === 'unavailable') throw httpErrors.decision_unavailable({ headers: { 'retry-after': '1' } })
        if ('items' in found) return sealed(deps, { scope, binding, found, from })
        // Facts that changed between the filter and the judgement explain it: both are asked again.
        const newest = await deps.changes.catchUp(scope.tenant.id)
        if (newest === found.position) {
          throw withheld(deps, { scope, listing, id: found.disagreed })
        }
        deps.metrics.rejudgedLists.inc({ outcome: 'moved' })
      }
      throw httpErrors.decision_unavailable({ headers: { 'retry-after': '1' } })
    },
  }
}

/** As for decisions: without word from the database nothing is answered from memory, and never from before the first page. */
async function hear({ changes }: RowListsDeps, { tenant }: RequestScope, position = 0n): Promise<void> {
  const isBehind = changes.seen(tenant.id) < position
  if (isBehind || changes.silence() > limits.silenceMilliseconds) await changes.catchUp(tenant.id)
}

function rowFilterOf(filter: Filter): RowFilter {
  if (!filter.ok) return { kind: 'unsayable', diagnostics: filter.diagnostics }
  if (filter.sql === 'true' || filter.sql === 'false') return { kind: filter.sql === 'true' ? 'all' : 'none' }
  return { kind: 'rows', sql: filter.sql, bindings: filter.bindings }
}

function sealed<Row>(
  { secrets }: RowListsDeps,
  page: {
    readonly scope: RequestScope
    readonly binding: CursorBinding
    readonly found: Found<Row>
    readonly from: ListPlace | undefined
  },
): RowPage<Row> {
  const { scope, binding, found, from } = page
  const items = found.items.slice(0, found.limit)
  const next = found.items.length > found.limit ? items.at(-1)?.place : found.stopped
  const position = from?.position ?? found.position.toString()
  return {
    items: items.map(({ row, fields }) => ({ row, ...(fields ? { fields } : {}) })),
    ...(next ? { nextCursor: sealCursor(secrets, { ...next, position }, binding) } : {}),
    version: scope.policy.version,
    position: found.position,
  }
}

const bindingOf = (scope: RequestScope, listing: RowListing<unknown>): CursorBinding => ({
  tenant: scope.tenant.id,
  subjectType: scope.subject.type,
  subjectId: scope.subject.id,
  list: listing.list,
  ...Object.fromEntries(Object.entries(listing.filters).map(([name, value]) => [`filter.${name}`, value])),
})

/** Check and filter differ: a defect of this server. Nothing of the page leaves, and somebody is told. */
function withheld(
  { log, metrics }: RowListsDeps,
  { scope, listing, id }: { readonly scope: RequestScope; readonly listing: RowListing<unknown>; readonly id: string },
): Error {
  metrics.rejudgedLists.inc({ outcome: 'withheld' })
  const { policy, subject, requestId } = scope
  log.error(
    {
      ...{ requestId, tenantId: scope.tenant.id, version: policy.version, list: listing.list, action: listing.action },
      subject: `${subject.type}::${subject.id}`,
      resource: `${listing.type}::${id}`,
    },
    'a listed row is not allowed by a check: the page is withheld',
  )
  return errors.list_withheld()
}

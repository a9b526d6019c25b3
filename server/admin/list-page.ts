import { z } from 'zod'
import type { JsonValue, Judgement, Question } from '../decision/decision-point.ts'
import type { RequestScope } from '../http/request-scope.ts'
import type { Kernel } from '../kernel.ts'
import { openCursor, sealCursor } from './cursor.ts'
import { limits } from './limits.ts'

/** Members of every list's query. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(limits.pageSizeMaximum).default(limits.pageSize),
  cursor: z.string().max(4_096).optional(),
}
export type PageQuery = { readonly limit: number; readonly cursor?: string | undefined }

export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item), nextCursor: z.string().optional() })

export type Listing<Row> = {
  readonly name: string
  /** Bound into the cursor: another filter is another list. */
  readonly filter: readonly (string | undefined)[]
  readonly read: (after: readonly string[] | undefined, count: number) => Promise<readonly Row[]>
  readonly keyOf: (row: Row) => readonly string[]
  /** Whether the caller may see the row; absent where the list's own action covers every row. */
  readonly question?: (row: Row) => Question
  readonly view: (row: Row, judgement: Judgement | undefined) => JsonValue
}

/**
 * Rows in keyset order, judged until the page is full, so that its length does not show what is hidden; the engine's SQL
 * residual will take the place of judging here.
 */
export async function listPage<Row>(
  kernel: Kernel,
  scope: RequestScope,
  query: PageQuery,
  listing: Listing<Row>,
): Promise<{ readonly items: readonly JsonValue[]; readonly nextCursor?: string }> {
  const binding = [listing.name, scope.tenant.id, scope.subject.type, scope.subject.id, ...listing.filter]
  let after = query.cursor === undefined ? undefined : openCursor(kernel.secrets, query.cursor, binding)
  const found: { readonly row: Row; readonly judgement: Judgement | undefined }[] = []
  let judged = 0
  let isEnd = false
  while (!isEnd && found.length <= query.limit && judged < limits.judgedPerPage) {
    const count = listing.question ? limits.judgedChunk : query.limit + 1
    const rows = await listing.read(after, count)
    const judgements = listing.question
      ? await kernel.decisions.decideMany(scope, rows.map(listing.question))
      : undefined
    for (const [index, row] of rows.entries()) {
      const judgement = judgements?.[index]
      if (!judgements || judgement?.decision) found.push({ row, judgement })
    }
    const last = rows.at(-1)
    if (last !== undefined) after = listing.keyOf(last)
    judged += rows.length
    isEnd = rows.length < count
  }
  const page = found.slice(0, query.limit)
  const items = page.map(({ row, judgement }) => listing.view(row, judgement))
  const last = found.length > query.limit ? page.at(-1) : undefined
  const next = last ? listing.keyOf(last.row) : isEnd ? undefined : after
  return next === undefined ? { items } : { items, nextCursor: sealCursor(kernel.secrets, next, binding) }
}

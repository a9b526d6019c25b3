import type { Judgement, Kernel, RequestScope } from '../../server/module.ts'
import { type Storage, storeOf } from './actions.ts'
import { type CursorBinding, openCursor, sealCursor } from './cursor.ts'
import { limits } from './limits.ts'
import { type Bucket, bucketEntity, entity, objectEntity, type StoredObject } from './model.ts'

export type Page<Row> = { readonly items: readonly Listed<Row>[]; readonly nextCursor?: string }
export type Listed<Row> = { readonly row: Row; readonly judgement: Judgement }
type PageQuery = { readonly limit: number; readonly cursor?: string | undefined }

/** The objects of a bucket that the caller may read, in order of keys. */
export function listObjects(
  storage: Storage,
  scope: RequestScope,
  bucket: Bucket,
  query: PageQuery & { readonly prefix: string },
): Promise<Page<StoredObject>> {
  const parent = bucketEntity(bucket)
  return fillPage(storage.kernel, scope, query, {
    list: `objects:${bucket.id}`,
    filter: query.prefix,
    read: (after, count) => storeOf(storage, scope).objectsOf(bucket.id, query.prefix, after, count),
    keyOf: (object) => object.key,
    question: (object) => ({
      action: 'read',
      resource: entity('StoredObject', object.id),
      entities: [objectEntity(object), parent],
    }),
  })
}

/** The buckets of an organization that the caller may read, in order of names. */
export function listBuckets(
  storage: Storage,
  scope: RequestScope,
  query: PageQuery & { readonly organization: string },
): Promise<Page<Bucket>> {
  return fillPage(storage.kernel, scope, query, {
    list: 'buckets',
    filter: query.organization,
    read: (after, count) => storeOf(storage, scope).bucketsOf(query.organization, after, count),
    keyOf: (bucket) => bucket.id,
    question: (bucket) => ({
      action: 'read',
      resource: entity('Bucket', bucket.id),
      entities: [bucketEntity(bucket)],
    }),
  })
}

type Listing<Row> = {
  readonly list: string
  readonly filter: string
  readonly read: (after: string, count: number) => Promise<readonly Row[]>
  readonly keyOf: (row: Row) => string
  readonly question: (row: Row) => Parameters<Kernel['decisions']['decide']>[1]
}

/**
 * Judges rows in keyset order until the page is full, so that a page does not show by its length what is hidden; the engine's
 * SQL residual will take the place of judging here. One row more than the page is looked for: a cursor is given only if
 * something that the caller may see follows, or reading stopped early.
 */
async function fillPage<Row>(
  kernel: Storage['kernel'],
  scope: RequestScope,
  query: PageQuery,
  listing: Listing<Row>,
): Promise<Page<Row>> {
  const binding = bindingOf(scope, listing)
  const items: Listed<Row>[] = []
  let after = query.cursor === undefined ? '' : openCursor(kernel.secrets, query.cursor, binding)
  let judged = 0
  let isEnd = false
  while (!isEnd && items.length <= query.limit && judged < limits.judgedPerPage) {
    const rows = await listing.read(after, limits.judgedChunk)
    const judgements = await kernel.decisions.decideMany(scope, rows.map(listing.question))
    for (const [index, row] of rows.entries()) {
      const judgement = judgements[index]
      if (judgement?.decision) items.push({ row, judgement })
    }
    const last = rows.at(-1)
    if (last !== undefined) after = listing.keyOf(last)
    judged += rows.length
    isEnd = rows.length < limits.judgedChunk
  }
  const page = items.slice(0, query.limit)
  const last = items.length > query.limit ? page.at(-1) : undefined
  const next = last ? listing.keyOf(last.row) : isEnd ? undefined : after
  return next === undefined ? { items: page } : { items: page, nextCursor: sealCursor(kernel.secrets, next, binding) }
}

const bindingOf = (scope: RequestScope, listing: Pick<Listing<never>, 'list' | 'filter'>): CursorBinding => ({
  tenant: scope.tenant.id,
  subjectType: scope.subject.type,
  subjectId: scope.subject.id,
  list: listing.list,
  filter: listing.filter,
})

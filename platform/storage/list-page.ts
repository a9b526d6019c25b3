import type { RequestScope, RowPage } from '../../server/module.ts'
import type { Storage } from './actions.ts'
import { type Bucket, bucketEntity, entity, type StoredObject } from './model.ts'
import { bucketColumns, objectColumns, readBucket, readObject } from './store.ts'

type PageQuery = { readonly limit: number; readonly cursor?: string | undefined }

/** The objects of a bucket that the caller may read, in order of keys; those whose key is hidden come last. */
export function listObjects(
  { kernel }: Storage,
  scope: RequestScope,
  bucket: Bucket,
  { prefix, ...query }: PageQuery & { readonly prefix: string },
): Promise<RowPage<StoredObject>> {
  return kernel.lists.page(
    scope,
    {
      list: `objects:${bucket.id}`,
      filters: { prefix },
      action: 'read',
      type: 'StoredObject',
      columns: objectColumns,
      where: {
        // The second condition says the same to an index as the third to a reader.
        sql: 't.bucket_id = $2 and t.removed_at is null and t.key >= $3 and starts_with(t.key, $3)',
        values: [bucket.id, prefix],
      },
      known: new Map([['bucket', entity('Bucket', bucket.id)]]),
      given: [bucketEntity(bucket)],
      order: { column: 'key', attribute: 'key', isCompared: prefix !== '' },
      read: readObject,
    },
    query,
  )
}

/** The buckets of an organization that the caller may read, in order of names. */
export function listBuckets(
  { kernel }: Storage,
  scope: RequestScope,
  { organization, ...query }: PageQuery & { readonly organization: string },
): Promise<RowPage<Bucket>> {
  return kernel.lists.page(
    scope,
    {
      list: 'buckets',
      filters: { organization },
      action: 'read',
      type: 'Bucket',
      columns: bucketColumns,
      where: { sql: 't.organization_id = $2', values: [organization] },
      order: { column: 'id' },
      read: readBucket,
    },
    query,
  )
}

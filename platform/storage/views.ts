import type { JsonValue } from '../../server/module.ts'
import type { Bucket, StoredObject } from './model.ts'

/** What an answer shows: the fields that the decision permits and nothing else; without a list, none. */
export type Permitted = readonly string[] | 'all' | undefined

export const bucketView = (bucket: Bucket, permitted: Permitted): { readonly [name: string]: JsonValue } => ({
  id: bucket.id,
  ...pick(permitted, {
    organization: bucket.organizationId,
    quotaBytes: bucket.quotaBytes,
    usedBytes: bucket.usedBytes,
    publicRead: bucket.publicRead,
  }),
})

export const objectView = (object: StoredObject, permitted: Permitted): { readonly [name: string]: JsonValue } => ({
  id: object.id,
  ...pick(permitted, {
    key: object.key,
    owner: { type: object.owner.type, id: object.owner.id },
    contentType: object.contentType,
    size: object.size,
    sha256: object.sha256,
    createdAt: new Date(object.createdAt).toISOString(),
    updatedAt: new Date(object.updatedAt).toISOString(),
  }),
})

function pick(
  permitted: Permitted,
  fields: { readonly [name: string]: JsonValue },
): { readonly [name: string]: JsonValue } {
  if (permitted === 'all') return fields
  return Object.fromEntries(Object.entries(fields).filter(([name]) => permitted?.includes(name)))
}

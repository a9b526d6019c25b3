// What the module keeps, and how policies see it: one function a type, used by the store's readers and by the entity bindings.
import type { EntityData, EntityValue, Value } from '../../server/module.ts'

export type Bucket = {
  readonly id: string
  readonly organizationId: string
  readonly quotaBytes: number
  readonly usedBytes: number
  readonly publicRead: boolean
  readonly createdAt: number
}

export type StoredObject = {
  readonly id: string
  readonly bucketId: string
  readonly key: string
  readonly owner: EntityValue
  readonly contentType: string
  readonly size: number
  /** Hex; the entity tag. */
  readonly sha256: string
  /** Name in the object store, never shown. */
  readonly physicalName: string
  readonly createdAt: number
  readonly updatedAt: number
}

export const entity = (type: string, id: string): EntityValue => ({ kind: 'entity', type, id })

export const bucketEntity = (bucket: Bucket): EntityData => ({
  uid: entity('Bucket', bucket.id),
  attributes: new Map<string, Value>([
    ['organization', entity('Organization', bucket.organizationId)],
    ['quotaBytes', bucket.quotaBytes],
    ['usedBytes', bucket.usedBytes],
    ['publicRead', bucket.publicRead],
  ]),
})

export const objectEntity = (object: StoredObject): EntityData => ({
  uid: entity('StoredObject', object.id),
  attributes: new Map<string, Value>([
    ['bucket', entity('Bucket', object.bucketId)],
    ['owner', object.owner],
    ['key', object.key],
    ['contentType', object.contentType],
    ['size', object.size],
    ['sha256', object.sha256],
    ['createdAt', object.createdAt],
    ['updatedAt', object.updatedAt],
  ]),
})

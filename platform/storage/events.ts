import type { RequestScope } from '../../server/module.ts'
import type { StoredObject } from './model.ts'

/** What this module tells the world, by topic of the outbox; written in the transaction of the change. */
export type StorageEvent = 'storage.object.created' | 'storage.object.replaced' | 'storage.object.removed'

/** modules.md §0, events: facts that a consumer needs, no bytes, nothing masked. */
export const objectEvent = (topic: StorageEvent, object: StoredObject, scope: RequestScope) =>
  [
    topic,
    {
      schemaVersion: 1,
      time: new Date(scope.now).toISOString(),
      actor: { type: scope.subject.type, id: scope.subject.id },
      subject: { type: 'StoredObject', id: object.id },
      data: { bucket: object.bucketId, key: object.key, size: object.size, sha256: object.sha256 },
    },
  ] as const

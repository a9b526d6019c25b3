import type { Storage } from '../../../platform/storage/actions.ts'
import { defaultSettings } from '../../../platform/storage/config.ts'
import { listBuckets, listObjects } from '../../../platform/storage/list-page.ts'
import type { Bucket, StoredObject } from '../../../platform/storage/model.ts'
import { openStorageStore } from '../../../platform/storage/store.ts'
import type { EntityValue } from '../../../policy-lang/index.ts'
import type { RequestScope } from '../../../server/module.ts'
import { createTupleStore, type ListedRow, type RowPage } from '../../../server/module.ts'
import { startServer } from '../../kit/start-server.ts'

export const entity = (type: string, id: string): EntityValue => ({ kind: 'entity', type, id })
export const people = ['ann', 'bob', 'cid'] as const
export const keys = [
  'a',
  'a/1',
  'a/2',
  'archive',
  'b',
  'b%',
  'b_',
  'img/1',
  'img/2',
  'secret/1',
  'secret/2',
  'Z',
  '가',
] as const

type StoredTuple = Parameters<ReturnType<typeof createTupleStore>['put']>[1]
export type ListStand = Awaited<ReturnType<typeof openListStand>>

/** A whole server with buckets and objects in it, asked at the doors of its kernel. */
export async function openListStand(env: { readonly [name: string]: string } = {}) {
  const server = await startServer({ env })
  const { kernel } = server
  const tenant = kernel.tenants.default()
  const store = openStorageStore(kernel.database, tenant.id)
  const storage: Storage = {
    kernel,
    settings: defaultSettings,
    // Lists read no bytes.
    objects: undefined as never,
  }
  const actor = { tenantId: tenant.id, subject: entity('Anonymous', '') }
  const put = (...tuples: readonly StoredTuple[]) =>
    kernel.withTransaction(actor, async (unit) => {
      const tuplesOfTenant = createTupleStore(kernel.database, tenant.id)
      for (const tuple of tuples) await tuplesOfTenant.put(unit, tuple)
    })
  const scopeOf = async (subject: EntityValue, policy?: RequestScope['policy']): Promise<RequestScope> => ({
    requestId: 'r',
    tenant,
    subject,
    scopes: new Set(),
    ip: '192.0.2.7',
    policy: policy ?? (await kernel.policies.current(tenant.id)),
    now: kernel.clock.now(),
  })
  return {
    server,
    kernel,
    storage,
    store,
    put,
    scopeOf,
    async bucket(id: string, members: Partial<Bucket> = {}): Promise<Bucket> {
      const made = { organizationId: 'default', quotaBytes: 1000, usedBytes: 0, publicRead: false, createdAt: 0 }
      const bucket = { id, ...made, ...members }
      await store.insertBucket(bucket)
      return bucket
    },
    async object(bucket: Bucket, key: string, members: Partial<StoredObject> = {}): Promise<StoredObject> {
      const id = members.id ?? `${bucket.id}-${key}`
      const object: StoredObject = {
        ...{ id, key, bucketId: bucket.id, owner: entity('User', 'ann'), contentType: 'text/plain', size: 1 },
        ...{ sha256: '00', physicalName: id, createdAt: kernel.clock.now(), updatedAt: kernel.clock.now() },
        ...members,
      }
      await store.insertObject(object, `v-${id}`)
      return object
    },
    allObjects: (scope: RequestScope, bucket: Bucket, prefix = '', limit = 4) =>
      allPages((cursor) => listObjects(storage, scope, bucket, { prefix, limit, cursor })),
    allBuckets: (scope: RequestScope, limit = 2) =>
      allPages((cursor) => listBuckets(storage, scope, { organization: 'default', limit, cursor })),
    judge: (scope: RequestScope, resource: EntityValue) => kernel.decisions.decide(scope, { action: 'read', resource }),
    close: () => server.stop(),
  }
}

/** Every page in turn; each but the last is full. */
async function allPages<Row>(
  turn: (cursor: string | undefined) => Promise<RowPage<Row>>,
): Promise<{ readonly items: readonly ListedRow<Row>[]; readonly lengths: readonly number[] }> {
  const items: ListedRow<Row>[] = []
  const lengths: number[] = []
  for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
    const page = await turn(cursor)
    items.push(...page.items)
    lengths.push(page.items.length)
    cursor = page.nextCursor
  }
  return { items, lengths }
}

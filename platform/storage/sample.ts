import { createTupleStore, defaultOrganizationId, defaultTenantId, type FirstAdminHook } from '../../server/module.ts'
import type { Storage } from './actions.ts'
import { entity } from './model.ts'
import { openStorageStore } from './store.ts'

/** The bucket of the sample app. */
const sampleBucketId = 'demo'

/** A bucket that the development profile has from its first start. */
export async function seedSample(storage: Storage): Promise<void> {
  await openStorageStore(storage.kernel.database, defaultTenantId).insertBucket({
    id: sampleBucketId,
    organizationId: defaultOrganizationId,
    quotaBytes: 1024 ** 3,
    usedBytes: 0,
    publicRead: false,
    createdAt: storage.kernel.clock.now(),
  })
}

/** The first administrator owns the sample's bucket, from the transaction that makes the account. */
export const ownSample: FirstAdminHook = async (unit, { tenantId, accountId, kernel }) => {
  if (kernel.config.profile !== 'development' || tenantId !== defaultTenantId) return
  const tuple = {
    resource: entity('Bucket', sampleBucketId),
    relation: 'owner',
    subject: { kind: 'one', entity: entity('User', accountId) },
  } as const
  await createTupleStore(kernel.database, tenantId).put(unit, tuple, 'sample app')
}

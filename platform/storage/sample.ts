import { defaultOrganizationId, defaultTenantId } from '../../server/module.ts'
import type { Storage } from './actions.ts'
import { openStorageStore } from './store.ts'

/** The bucket of the sample app. */
export const sampleBucketId = 'demo'

/** A bucket that the development profile has from its first start; the first admin becomes its owner (platform/demo). */
export async function seedSample(storage: Storage): Promise<void> {
  await openStorageStore(storage.kernel.database, defaultTenantId).insertBucket({
    id: sampleBucketId,
    organizationId: defaultOrganizationId,
    quotaBytes: 100 * 1024 ** 2,
    usedBytes: 0,
    publicRead: false,
    createdAt: storage.kernel.clock.now(),
  })
}

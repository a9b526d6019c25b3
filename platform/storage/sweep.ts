import { ObjectStoreError } from '../../adapters/object-store/port.ts'
import type { Storage } from './actions.ts'
import { limits } from './limits.ts'
import { openStorageStore, referencedNames } from './store.ts'

/**
 * Takes away what nobody can reach: uploads that nobody finishes, replaced and removed content after its time, and files
 * without a row. Rows go first, so that a kill in between leaves a file for the next sweep and never a row without one.
 */
export async function sweep(storage: Storage): Promise<void> {
  const now = storage.kernel.clock.now()
  for (const tenant of await storage.kernel.tenants.list()) {
    await releaseUploads(storage, tenant.id, now)
    await purgeOld(storage, tenant.id, now - limits.removedDays * 86_400_000)
  }
  await removeOrphans(storage, now - limits.unfinishedHours * 3_600_000)
}

/** `before` absent: every upload. Right only where no other node can be receiving one (the embedded database, at start). */
export async function releaseUploads(storage: Storage, tenantId: string, before?: number): Promise<void> {
  const store = openStorageStore(storage.kernel.database, tenantId)
  for (;;) {
    const dead = await store.deadUploads(before, limits.sweepBatch)
    for (const upload of dead) {
      await store.release(upload.id)
      await storage.objects.remove(upload.physicalName)
    }
    if (dead.length < limits.sweepBatch) return
  }
}

async function purgeOld(storage: Storage, tenantId: string, before: number): Promise<void> {
  const store = openStorageStore(storage.kernel.database, tenantId)
  for (;;) {
    const names = await storage.kernel.database.transaction(() => store.purge(before, limits.sweepBatch), {
      'writ.tenant': tenantId,
    })
    for (const name of names) await storage.objects.remove(name)
    if (names.length < limits.sweepBatch) return
  }
}

async function removeOrphans(storage: Storage, before: number): Promise<void> {
  let batch: string[] = []
  const flush = async () => {
    const referenced = await referencedNames(storage.kernel.database, batch)
    for (const name of batch) if (!referenced.has(name)) await storage.objects.remove(name)
    batch = []
  }
  try {
    for await (const stored of storage.objects.list()) {
      if (stored.modifiedAt >= before) continue
      batch.push(stored.name)
      if (batch.length === limits.sweepBatch) await flush()
    }
    await flush()
  } catch (error) {
    // The next hour tries again; a store that cannot be listed is told to whoever reads the log.
    if (!(error instanceof ObjectStoreError)) throw error
    storage.kernel.log.warn({ kind: error.kind }, 'storage sweep stopped')
  }
}

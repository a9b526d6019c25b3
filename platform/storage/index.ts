import type { ObjectStore } from '../../adapters/object-store/port.ts'
import { type Area, defineModule, type Kernel } from '../../server/module.ts'
import type { Storage } from './actions.ts'
import { bindings } from './bindings.ts'
import { defaultSettings, type StorageSettings } from './config.ts'
import { listIndexes } from './list-indexes.ts'
import { routes } from './routes.ts'
import { seedSample } from './sample.ts'
import { schema } from './schema.ts'
import { releaseUploads, sweep } from './sweep.ts'

export { ownSample } from './sample.ts'

/** Files of people and services (modules.md §4). `openObjects` chooses where their bytes live. */
export const storageModule = (
  openObjects: (kernel: Kernel) => Promise<ObjectStore>,
  settings: StorageSettings = defaultSettings,
): Area =>
  defineModule({
    name: 'storage',
    basePath: '/storage/v1',
    policies: new URL('./policy/', import.meta.url),
    migrations: [schema, listIndexes],
    bindings,
    lists: [
      { action: 'read', type: 'Bucket' },
      { action: 'read', type: 'StoredObject' },
    ],
    async build(kernel) {
      const storage: Storage = { kernel, objects: await openObjects(kernel), settings }
      return {
        routes: routes(storage),
        jobs: [{ name: 'storage.sweep', cron: '17 * * * *', run: () => sweep(storage) }],
        async start() {
          // The embedded database has one node: whatever was being received when it last stopped is dead.
          if (kernel.database.kind === 'embedded') {
            for (const tenant of await kernel.tenants.list()) await releaseUploads(storage, tenant.id)
          }
          if (kernel.config.profile === 'development') await seedSample(storage)
        },
      }
    },
  })

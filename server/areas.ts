import type { Mail } from '../adapters/mail/port.ts'
import type { ObjectStore } from '../adapters/object-store/port.ts'
import { demoArea } from '../platform/demo/index.ts'
import { ownSample, storageModule } from '../platform/storage/index.ts'
import { adminArea } from './admin/area.ts'
import type { Area } from './area.ts'
import { announceSetup } from './identity/announce-setup.ts'
import type { Kernel } from './kernel.ts'
import { oidcArea } from './oidc/area.ts'
import { inboxArea } from './pages/inbox-area.ts'
import { foundation } from './schema/0001-foundation.ts'
import { changes } from './schema/0002-changes.ts'

export type AreaOptions = {
  readonly openObjects: (kernel: Kernel) => Promise<ObjectStore>
  /** What was mailed, where mail is kept in memory. */
  readonly receivedMails?: () => readonly Mail[]
  /** Writes a line for whoever started the server. */
  readonly tell: (text: string) => void
}

/** The kernel's own tables, and the rules of administration and issuance. */
const kernelArea: Area = {
  name: 'server',
  migrations: [foundation, changes],
  policies: { folder: new URL('./policy/', import.meta.url), layer: 'platform' },
}

/** THE TABLE of the server's areas and modules, in order of start. One import and one line each. */
export const serverAreas = ({ openObjects, tell, receivedMails }: AreaOptions): readonly Area[] => [
  kernelArea,
  oidcArea({ onFirstAdmin: ownSample, announceSetup: (kernel, address) => announceSetup(kernel, address, tell) }),
  adminArea,
  storageModule(openObjects),
  demoArea(tell),
  inboxArea(receivedMails),
]

import type { Area } from './area.ts'
import { announceSetup } from './identity/announce-setup.ts'
import { oidcArea } from './oidc/area.ts'

/** THE TABLE of the server's areas and modules, in order of start. One import and one line each. */
export const areas: readonly Area[] = [oidcArea({ announceSetup })]

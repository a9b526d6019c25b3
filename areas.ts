import { demoArea } from './platform/demo/index.ts'
import { ownSample, storageModule } from './platform/storage/index.ts'
import { adminArea } from './server/admin/area.ts'
import type { Area, AreaTable } from './server/area.ts'
import { announceSetup } from './server/identity/announce-setup.ts'
import { oidcArea } from './server/oidc/area.ts'
import { inboxArea } from './server/pages/inbox-area.ts'
import { foundation } from './server/schema/0001-foundation.ts'
import { changes } from './server/schema/0002-changes.ts'
import { tupleConditions } from './server/schema/0013-tuple-conditions.ts'
import { policyPrograms } from './server/schema/0014-policy-programs.ts'
import { filterFunctions } from './server/schema/0040-filter-functions.ts'
import { tupleKinds } from './server/schema/0043-tuple-kinds.ts'
import { filterFunctionsAgain } from './server/schema/0044-filter-functions-again.ts'
import { listedPeople } from './server/schema/0046-listed-people.ts'

/** The kernel's own tables, and the rules of administration and issuance. */
const kernelArea: Area = {
  name: 'server',
  migrations: [
    foundation,
    changes,
    tupleConditions,
    policyPrograms,
    filterFunctions,
    tupleKinds,
    filterFunctionsAgain,
    listedPeople,
  ],
  policies: { folder: new URL('./server/policy/', import.meta.url), layer: 'platform' },
}

/** THE TABLE of the server's areas and the modules on it, in order of start. One import and one line each. */
export const areas: AreaTable = ({ openObjects, tell, receivedMails, egress }) => [
  kernelArea,
  oidcArea({
    onFirstAdmin: ownSample,
    announceSetup: (kernel, address) => announceSetup(kernel, address, tell),
    ...(egress ? { egress } : {}),
  }),
  adminArea,
  storageModule(openObjects),
  demoArea(tell),
  inboxArea(receivedMails),
]

import type { Migration } from '../../adapters/database/port.ts'
import { sqlFunctions } from '../../policy-lang/index.ts'

// Functions that list filters read stored values with: plain expressions, immutable, NULL where a value does not fit.
export const filterFunctions: Migration = {
  id: '0040-filter-functions',
  async up(run) {
    for (const each of sqlFunctions) await run(each)
  },
}

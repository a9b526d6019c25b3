import type { Migration } from '../../adapters/database/port.ts'
import { sqlFunctions } from '../../policy-lang/index.ts'

// Functions changed since 0040. A later change needs a migration like this one (test/policy-lang/filter/functions.test.ts).
export const filterFunctionsAgain: Migration = {
  id: '0044-filter-functions-again',
  async up(run) {
    for (const each of sqlFunctions) await run(each)
  },
}

import type { Need } from '../../kit/availability.ts'
import { realPostgresNeed } from '../../kit/postgres.ts'

/** These suites ask everything once more of a server: that is a lane of its own (`.ci/run`), since `npm test` has minutes. */
export const filterServerNeed: Need = {
  name: 'filters-on-postgres',
  missing:
    realPostgresNeed.missing ??
    (process.env.WRIT_FILTER_RUNS === undefined ? 'runs where WRIT_FILTER_RUNS says how many programs' : undefined),
}

import type { Logger } from 'pino'
import type { Clock } from '../adapters/clock/port.ts'
import type { Database } from '../adapters/database/port.ts'
import type { Jobs } from '../adapters/jobs/port.ts'
import type { Mailer } from '../adapters/mail/port.ts'
import type { NoticeBus } from '../adapters/notice/port.ts'
import type { Secrets } from '../adapters/secrets/port.ts'
import type { Config } from './config/config.ts'
import type { DecisionPoint } from './decision/decision-point.ts'
import type { ExplainDecision } from './decision/explain-decision.ts'
import type { CheckLists } from './decision/oracle/check-lists.ts'
import type { Policies } from './decision/policies.ts'
import type { PartialFilter } from './decision/row-filter.ts'
import type { RowLists } from './decision/row-listing.ts'
import type { ChangeFeed } from './events/change.ts'
import type { ConsistencyTokens } from './events/consistency-tokens.ts'
import type { WithTransaction } from './events/unit-of-work.ts'
import type { Tenants } from './tenancy/tenants.ts'

/** What every area of the server is given. Built once in main.ts; nothing here is reached by any other way. */
export type Kernel = {
  readonly config: Config
  readonly log: Logger
  readonly clock: Clock
  readonly database: Database
  readonly notice: NoticeBus
  readonly secrets: Secrets
  readonly mailer: Mailer
  readonly jobs: Jobs
  readonly decisions: DecisionPoint
  readonly explain: ExplainDecision
  readonly policies: Policies
  readonly partialFilter: PartialFilter
  readonly lists: RowLists
  readonly checkLists: CheckLists
  readonly tenants: Tenants
  readonly changes: ChangeFeed
  readonly consistency: ConsistencyTokens
  readonly withTransaction: WithTransaction
}

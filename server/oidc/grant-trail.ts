import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock } from '../../adapters/clock/port.ts'
import type { Database } from '../../adapters/database/port.ts'
import { createIdMaker } from '../events/time-ordered-id.ts'
import type { RequestScope } from '../http/request-scope.ts'
import type { Permit } from '../issuance/issue.ts'
import { describedPermit } from './token-events.ts'

/** Writes down what a client was given for itself; resolves when the row stands, so that no token leaves without one. */
export type GrantTrail = { note(scope: RequestScope, permit: Permit): Promise<void> }

const rowsAtOnce = 500

/**
 * A client's own grant changes nothing, so its audit row needs no transaction to stand in, and a transaction each would cost more than
 * the grant. Grants that come while a write is on its way share the next one.
 */
export function createGrantTrail({
  database,
  clock,
}: {
  readonly database: Database
  readonly clock: Clock
}): GrantTrail {
  const makeId = createIdMaker()
  const outside = AsyncLocalStorage.snapshot()
  const waiting: Waiting[] = []
  let isWriting = false

  const write = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      await database.query(insertStatement, [JSON.stringify(batch.map(({ row }) => row))])
      for (const { done } of batch) done()
    } catch (error) {
      for (const { fail } of batch) fail(error)
    }
  }
  const drain = async (): Promise<void> => {
    isWriting = true
    while (waiting.length > 0) {
      // Whatever this turn of the event loop still brings goes along.
      await new Promise((resolve) => setImmediate(resolve))
      await write(waiting.splice(0, rowsAtOnce))
    }
    isWriting = false
  }

  return {
    note: (scope, permit) =>
      new Promise<void>((done, fail) => {
        const now = clock.now()
        const client = permit.request.clientId ?? ''
        const row = {
          tenant_id: scope.tenant.id,
          id: makeId(now),
          at: now,
          client_id: client,
          decision_id: permit.decisionId,
          request_id: scope.requestId,
          ip: scope.ip,
          detail: describedPermit(permit),
        }
        waiting.push({ row, done, fail })
        // INVARIANT: never inside of whatever transaction the first of a batch may stand in.
        if (!isWriting) outside(drain)
      }),
  }
}

type Waiting = {
  readonly row: object
  readonly done: () => void
  readonly fail: (error: unknown) => void
}

const insertStatement = {
  name: 'audit-append-grants',
  text: `insert into audit_event (tenant_id, id, at, actor_type, actor_id, action, resource_type, resource_id, outcome, decision_id, request_id, ip, detail)
select e.tenant_id, e.id, to_timestamp(e.at / 1000), 'Client', e.client_id, 'oidc.token.issued', 'Client', e.client_id, 'success', e.decision_id, e.request_id, e.ip, e.detail
from jsonb_to_recordset($1::jsonb) as e(tenant_id text, id text, at double precision, client_id text, decision_id text, request_id text, ip text, detail jsonb)`,
}

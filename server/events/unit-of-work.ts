import type { EntityValue } from '../../policy-lang/index.ts'
import type { Change } from './change.ts'

/** Who changes something: for the audit row. */
export type Actor = {
  readonly tenantId: string
  readonly subject: EntityValue
  readonly requestId?: string
  readonly ip?: string
  readonly decisionId?: string
  readonly reason?: string
}

/** What a change wants recorded and sent; written by `withTransaction` in the same transaction as the change. */
export type UnitOfWork = {
  /** One row of `audit_event`. Details carry ids and thumbprints, never secrets or token values. */
  audit(event: {
    readonly action: string
    readonly resource: EntityValue
    readonly outcome?: 'success' | 'denied' | 'failure'
    readonly detail?: object
  }): void
  /** One row of `outbox`, sent at least once after commit. Topic `<area>.<noun>.<verb>`. */
  emit(topic: string, payload: object): void
  /** Raises the epoch of a tenant, organization, account or client: credentials given before it are judged anew. */
  raiseEpoch(of: EntityValue): void
  /** What nodes keep in memory and must read again: tuples, entities, roles, policy sets, clients, the tenant, keys. */
  changed(...changes: readonly Change[]): void
  /**
   * Nothing that a decision can see changes here (an audit row of a grant): the position stays, and writers of the tenant
   * do not wait for one another. Contradicts `changed` and `raiseEpoch`.
   */
  recordOnly(): void
}

/**
 * State, audit rows, outbox rows, epochs and the tenant's consistency position commit together or not at all.
 * Answers the position, which `Writ-Consistency` takes back. Change notices go out after commit.
 */
export type WithTransaction = <T>(
  actor: Actor,
  run: (unit: UnitOfWork) => Promise<T>,
) => Promise<{ readonly value: T; readonly position: string }>

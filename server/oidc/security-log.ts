import type { EntityValue } from '../../policy-lang/index.ts'
import type { WithTransaction } from '../events/unit-of-work.ts'
import type { RequestScope } from '../http/request-scope.ts'
import { entityOf } from '../identity/entities.ts'

/** Something that an auditor wants to know. Details carry ids and thumbprints, never token values: the id of an opaque token opens it. */
export type SecurityEvent = {
  /** Name of the audit row and, if `isSent`, topic of the outbox row. */
  readonly name: string
  readonly resource: EntityValue
  readonly outcome?: 'success' | 'denied' | 'failure'
  readonly detail: { readonly [member: string]: string | number | readonly string[] | undefined }
  readonly isSent?: boolean
  /** Written down only where it is sent: there are too many of it for the trail (the decision log has them). */
  readonly isUnaudited?: boolean
}

/** What a request has found so far, and who it speaks for; written with the change that it tells of. */
export type SecurityNotes = { readonly scope: RequestScope; readonly events: SecurityEvent[]; clientId?: string }

export type SecurityLog = {
  /** Runs `run` in one transaction with what it notes: both stand, or neither. A try that is repeated begins without notes. */
  within<T>(notes: SecurityNotes, run: () => Promise<T>): Promise<T>
  /** What was noted where nothing changed: refusals. */
  write(notes: SecurityNotes): Promise<void>
}

export function createSecurityLog(withTransaction: WithTransaction): SecurityLog {
  const within = async <T>(notes: SecurityNotes, run: () => Promise<T>): Promise<T> => {
    const { scope, events } = notes
    const before = events.splice(0)
    const actor = {
      tenantId: scope.tenant.id,
      requestId: scope.requestId,
      ip: scope.ip,
      // Read when the rows are written: the client may show who it is inside of the transaction.
      get subject() {
        return notes.clientId === undefined ? scope.subject : entityOf('Client', notes.clientId)
      },
    }
    const { value } = await withTransaction(actor, async (unit) => {
      events.length = 0
      const result = await run()
      unit.recordOnly()
      for (const { name, resource, outcome = 'success', detail, isSent, isUnaudited } of events) {
        if (!isUnaudited) unit.audit({ action: name, resource, outcome, detail })
        if (isSent) unit.emit(name, { ...detail, requestId: scope.requestId })
      }
      return result
    })
    events.splice(0, events.length, ...before)
    return value
  }
  return {
    within,
    async write(notes) {
      const { events } = notes
      if (events.length === 0) return
      const found = events.splice(0)
      await within(notes, async () => {
        events.push(...found)
      })
    },
  }
}

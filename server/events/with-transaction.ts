import type { Clock } from '../../adapters/clock/port.ts'
import type { Database, Statement } from '../../adapters/database/port.ts'
import type { NoticeBus } from '../../adapters/notice/port.ts'
import type { EntityValue } from '../../policy-lang/index.ts'
import { type AuditEntry, appendAudit } from '../audit/audit-store.ts'
import type { Change, ChangeSet } from './change.ts'
import { changeChannel } from './change-feed.ts'
import { limits } from './limits.ts'
import type { MakeId } from './time-ordered-id.ts'
import type { Actor, UnitOfWork, WithTransaction } from './unit-of-work.ts'

export type WithTransactionDeps = {
  readonly database: Database
  readonly notice: NoticeBus
  readonly clock: Clock
  readonly makeId: MakeId
  /** Told after commit, before the caller goes on: this node's memory follows its own writes at once. */
  readonly committed: (set: ChangeSet) => void
  /** Told after commit when outbox rows were written. */
  readonly wakeOutbox: () => void
}

export function createWithTransaction(deps: WithTransactionDeps): WithTransaction {
  return async (actor, run) => {
    const collected = collect(deps)
    let position = 0n
    const value = await deps.database.transaction(
      async () => {
        const result = await run(collected.unit)
        position = await write(deps, actor, collected)
        return result
      },
      { 'writ.tenant': actor.tenantId },
    )
    return { value, position: position.toString() }
  }
}

type Collected = {
  readonly unit: UnitOfWork
  readonly audit: readonly AuditEntry[]
  readonly outbox: readonly { readonly id: string; readonly topic: string; readonly payload: object }[]
  readonly epochs: readonly EntityValue[]
  readonly changes: readonly Change[]
  readonly isRecordOnly: () => boolean
}

function collect({ clock, makeId }: WithTransactionDeps): Collected {
  const audit: AuditEntry[] = []
  const outbox: { id: string; topic: string; payload: object }[] = []
  const epochs: EntityValue[] = []
  const changes: Change[] = []
  let recordOnly = false
  const unit: UnitOfWork = {
    audit({ action, resource, outcome = 'success', detail = {} }) {
      audit.push({ id: makeId(clock.now()), action, resource, outcome, detail })
    },
    emit(topic, payload) {
      outbox.push({ id: makeId(clock.now()), topic, payload })
    },
    raiseEpoch(of) {
      epochs.push(of)
      changes.push({ kind: 'epoch', of: { type: of.type, id: of.id } })
    },
    changed(...more) {
      changes.push(...more)
    },
    recordOnly() {
      recordOnly = true
    },
  }
  return { unit, audit, outbox, epochs, changes, isRecordOnly: () => recordOnly }
}

/** ORDER: the position comes last, because its row is locked until commit and every other writer of the tenant waits for it. */
async function write(deps: WithTransactionDeps, actor: Actor, collected: Collected): Promise<bigint> {
  const { database, notice } = deps
  const { tenantId } = actor
  for (const of of collected.epochs) await raiseEpoch(database, tenantId, of)
  await appendAudit(database, actor, deps.clock.now(), collected.audit)
  const raises = !collected.isRecordOnly() || collected.changes.length > 0
  const position = raises ? await raisePosition(database, tenantId) : await readPosition(database, tenantId)
  if (collected.outbox.length > 0) {
    await database.query(appendOutbox, [tenantId, position.toString(), JSON.stringify(collected.outbox)])
    database.afterCommit(deps.wakeOutbox)
  }
  if (!raises) return position
  const changes =
    collected.changes.length > limits.changesListed ? [{ kind: 'everything' } as const] : collected.changes
  if (changes.length > 0) {
    await database.query(appendChanges, [tenantId, position.toString(), JSON.stringify(changes)])
    await notice.publish(changeChannel, `${tenantId} ${position}`)
  }
  database.afterCommit(() => deps.committed({ tenantId, position, changes }))
  return position
}

const raise: Statement = {
  name: 'position-raise',
  text: 'update tenant_revision set position = position + 1 where tenant_id = $1 returning position',
}
const read: Statement = { name: 'position-read', text: 'select position from tenant_revision where tenant_id = $1' }
const appendOutbox: Statement = {
  name: 'outbox-append',
  text: `
insert into outbox (tenant_id, id, topic, payload, position)
select $1, o.id, o.topic, o.payload, $2::bigint from jsonb_to_recordset($3::jsonb) as o(id text, topic text, payload jsonb)`,
}
const appendChanges: Statement = {
  name: 'changes-append',
  text: 'insert into tenant_change (tenant_id, position, changes) values ($1, $2::bigint, $3::jsonb)',
}

const raisePosition = (database: Database, tenantId: string) => positionOf(database, raise, tenantId)
const readPosition = (database: Database, tenantId: string) => positionOf(database, read, tenantId)

async function positionOf(database: Database, statement: Statement, tenantId: string): Promise<bigint> {
  const [row] = await database.query<{ position: string | number | bigint }>(statement, [tenantId])
  if (!row) throw new Error(`no such tenant: ${tenantId}`)
  return BigInt(row.position)
}

/** One statement per kind, because a table name cannot be a parameter. */
const epochStatements: { readonly [type: string]: Statement } = {
  Tenant: { name: 'epoch-tenant', text: 'update tenant set epoch = epoch + 1 where id = $1 and id = $2' },
  Organization: {
    name: 'epoch-organization',
    text: 'update organization set epoch = epoch + 1 where tenant_id = $1 and id = $2',
  },
  User: { name: 'epoch-account', text: 'update account set epoch = epoch + 1 where tenant_id = $1 and id = $2' },
  Client: { name: 'epoch-client', text: 'update client set epoch = epoch + 1 where tenant_id = $1 and id = $2' },
}

async function raiseEpoch(database: Database, tenantId: string, of: EntityValue): Promise<void> {
  const statement = epochStatements[of.type]
  if (!statement) throw new Error(`${of.type} has no epoch`)
  await database.query(statement, [tenantId, of.id])
}

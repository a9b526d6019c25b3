import type { Database, Statement } from '../../adapters/database/port.ts'
import { limits } from './limits.ts'

/** Forgets change rows that every living node has read, and outbox rows that were sent or that nobody handles. */
export async function pruneEvents(database: Database, now: number): Promise<void> {
  await database.query(pruneChanges, [new Date(now - limits.changesKeptMilliseconds)])
  await database.query(pruneOutbox, [new Date(now - limits.outboxKeptDays * 86_400_000)])
}

const pruneChanges: Statement = { name: 'changes-prune', text: 'delete from tenant_change where at < $1' }
const pruneOutbox: Statement = { name: 'outbox-prune', text: 'delete from outbox where created_at < $1' }

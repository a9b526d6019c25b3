import type { Migration } from '../../adapters/database/port.ts'

/**
 * Reading a tenant's facts takes tuples that say no more than who holds what in long runs, and the others one by one: those are
 * few, and found here.
 */
export const tupleKinds: Migration = {
  id: '0043-tuple-kinds',
  async up(run) {
    await run(`
create index relation_not_plain on relation (tenant_id)
where not (subject_relation = '' and subject_id <> '*' and until is null and condition_name is null)`)
  },
}

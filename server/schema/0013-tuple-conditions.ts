import type { Migration } from '../../adapters/database/port.ts'

// The loader reads conditions now: a conditional tuple may be stored. Name and parameters stand together or not at all.
export const tupleConditions: Migration = {
  id: '0013-tuple-conditions',
  async up(run) {
    await run(`
alter table relation
  drop constraint relation_condition_name_check,
  drop constraint relation_condition_context_check,
  add constraint relation_condition_whole check ((condition_name is null) = (condition_context is null));`)
  },
}

import type { Migration } from '../../adapters/database/port.ts'

/** Searches page by id in the one order that is the same everywhere (`decision/bound-ids.ts`); the primary key is in another. */
export const listedPeople: Migration = {
  id: '0046-listed-people',
  async up(run) {
    await run('create index account_listed on account (tenant_id, id collate "C")')
    await run('create index client_listed on client (tenant_id, id collate "C")')
  },
}

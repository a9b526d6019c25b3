import type { Migration } from '../../adapters/database/port.ts'
import { tenantWall } from './0001-foundation.ts'

// What each transaction changed of the state that nodes keep in memory, under the position that it committed with. Nodes
// read what lies beyond the position they have seen; rows older than the retention are deleted, and a node that is further
// behind reads everything again.
export const changes: Migration = {
  id: '0002-changes',
  async up(run) {
    await run(`
create table tenant_change (
  tenant_id text not null references tenant (id) on delete cascade,
  position bigint not null,
  changes jsonb not null,
  at timestamptz not null default now(),
  primary key (tenant_id, position)
);
create index tenant_change_age on tenant_change (at);
alter table outbox add column attempts int not null default 0, add column next_attempt_at timestamptz;
${tenantWall('tenant_change')}`)
  },
}

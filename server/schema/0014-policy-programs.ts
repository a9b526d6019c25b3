import type { Migration } from '../../adapters/database/port.ts'
import { tenantWall } from './0001-foundation.ts'

// What a tenant's active versions compiled to, sealed: another node, or the next start, need not compile them again.
export const policyPrograms: Migration = {
  id: '0014-policy-programs',
  async up(run) {
    await run(`
create table policy_program (
  tenant_id text not null references tenant (id) on delete cascade,
  version text not null,
  sealed text not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, version)
);${tenantWall('policy_program')}`)
  },
}

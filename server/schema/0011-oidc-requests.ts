import type { Migration } from '../../adapters/database/port.ts'
import { tenantWall } from './0001-foundation.ts'

// Authorization requests that wait for a person (RFC 9126). The address that opens one stands as SHA-256.
const tables = `
create table oidc_pushed_request (
  tenant_id text not null references tenant (id) on delete cascade,
  id_hash text not null,
  payload text not null,
  consumed_at timestamptz,
  expires_at timestamptz not null,
  primary key (tenant_id, id_hash)
);
create index oidc_pushed_request_expiry on oidc_pushed_request (expires_at);
`

export const oidcRequestTables: Migration = {
  id: '0011-oidc-requests',
  async up(run) {
    await run(tables)
    await run(tenantWall('oidc_pushed_request'))
  },
}

import type { Migration } from '../../adapters/database/port.ts'
import { tenantWall } from './0001-foundation.ts'

// What waits for a person's word elsewhere: device codes (RFC 8628) and backchannel requests (CIBA Core). The value that opens a
// row stands as SHA-256, and so does the code that a person types, keyed: it is short. Epochs are those of the last permit.
const waiting = `
  tenant_id text not null references tenant (id) on delete cascade,
  id_hash text not null,
  client_id text not null,
  account_id text,
  grant_hash text,
  account_epoch bigint not null default 0,
  client_epoch bigint not null default 0,
  tenant_epoch bigint not null default 0,
  decision_id text not null,
  state text not null check (state in ('waiting', 'in_flight', 'approved', 'denied')),
  payload text not null,
  polled_at timestamptz,
  interval_seconds int not null default 5,
  consumed_at timestamptz,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (tenant_id, id_hash)`

const tables = `
create table oidc_device_code (
  user_code_hash text not null,${waiting}
);
create unique index oidc_device_code_user on oidc_device_code (tenant_id, user_code_hash);
create index oidc_device_code_grant on oidc_device_code (tenant_id, grant_hash) where grant_hash is not null;
create index oidc_device_code_expiry on oidc_device_code (expires_at);

create table oidc_backchannel_request (
  -- The name that administrators and decisions use; it opens nothing.
  public_id text not null,
  -- What the client is pinged with: the request's id and the client's own token, sealed.
  sealed text not null,${waiting}
);
create unique index oidc_backchannel_request_public on oidc_backchannel_request (tenant_id, public_id);
create index oidc_backchannel_request_grant on oidc_backchannel_request (tenant_id, grant_hash) where grant_hash is not null;
create index oidc_backchannel_request_expiry on oidc_backchannel_request (expires_at);

-- Issuers whose assertions this tenant takes (RFC 7523 §3), for the clients that name them.
create table oidc_trusted_issuer (
  tenant_id text not null references tenant (id) on delete cascade,
  issuer text not null,
  settings jsonb not null,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, issuer)
);
`

export const oidcGrantTables: Migration = {
  id: '0012-oidc-grants',
  async up(run) {
    await run(tables)
    for (const table of ['oidc_device_code', 'oidc_backchannel_request', 'oidc_trusted_issuer']) {
      await run(tenantWall(table))
    }
  },
}

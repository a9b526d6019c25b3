import type { Migration } from '../../adapters/database/port.ts'
import { tenantWall } from './0001-foundation.ts'

// One typed table per family (provider.md §3). Values that open something stand as SHA-256; `payload` is the library's own
// record, text and never jsonb (a `\u0000` in a state parameter is legal JSON and no jsonb). Epochs are those at issuance.
const tables = `
create table oidc_session (
  tenant_id text not null references tenant (id) on delete cascade,
  id_hash text not null,
  uid text not null,
  account_id text,
  account_epoch bigint not null default 0,
  tenant_epoch bigint not null default 0,
  decision_id text,
  payload text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (tenant_id, id_hash)
);
create unique index oidc_session_uid on oidc_session (tenant_id, uid);
create index oidc_session_account on oidc_session (tenant_id, account_id) where account_id is not null;
create index oidc_session_expiry on oidc_session (expires_at);

create table oidc_interaction (
  tenant_id text not null references tenant (id) on delete cascade,
  id_hash text not null,
  payload text not null,
  expires_at timestamptz not null,
  primary key (tenant_id, id_hash)
);
create index oidc_interaction_expiry on oidc_interaction (expires_at);

create table oidc_grant (
  tenant_id text not null references tenant (id) on delete cascade,
  id_hash text not null,
  account_id text not null,
  client_id text not null,
  payload text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (tenant_id, id_hash)
);
create index oidc_grant_account on oidc_grant (tenant_id, account_id, client_id);
create index oidc_grant_client on oidc_grant (tenant_id, client_id);
create index oidc_grant_expiry on oidc_grant (expires_at);

create table oidc_code (
  tenant_id text not null references tenant (id) on delete cascade,
  id_hash text not null,
  grant_hash text not null,
  account_id text not null,
  client_id text not null,
  account_epoch bigint not null,
  client_epoch bigint not null,
  tenant_epoch bigint not null,
  decision_id text not null,
  payload text not null,
  consumed_at timestamptz,
  expires_at timestamptz not null,
  primary key (tenant_id, id_hash)
);
create index oidc_code_grant on oidc_code (tenant_id, grant_hash);
create index oidc_code_expiry on oidc_code (expires_at);

create table oidc_access_token (
  tenant_id text not null references tenant (id) on delete cascade,
  id_hash text not null,
  grant_hash text not null,
  account_id text not null,
  client_id text not null,
  account_epoch bigint not null,
  client_epoch bigint not null,
  tenant_epoch bigint not null,
  decision_id text not null,
  payload text not null,
  expires_at timestamptz not null,
  primary key (tenant_id, id_hash)
);
create index oidc_access_token_grant on oidc_access_token (tenant_id, grant_hash);
create index oidc_access_token_expiry on oidc_access_token (expires_at);

create table oidc_refresh_token (
  tenant_id text not null references tenant (id) on delete cascade,
  id_hash text not null,
  grant_hash text not null,
  account_id text not null,
  client_id text not null,
  account_epoch bigint not null,
  client_epoch bigint not null,
  tenant_epoch bigint not null,
  decision_id text not null,
  payload text not null,
  consumed_at timestamptz,
  -- The token that took this one's place, encrypted under a key that only the holder of this one can derive.
  successor text,
  expires_at timestamptz not null,
  primary key (tenant_id, id_hash)
);
create index oidc_refresh_token_grant on oidc_refresh_token (tenant_id, grant_hash);
create index oidc_refresh_token_expiry on oidc_refresh_token (expires_at);

-- Client assertions and DPoP proofs: the library's id has no separator and no purpose (provider.md §3).
create table oidc_replay (
  tenant_id text not null references tenant (id) on delete cascade,
  id text not null,
  expires_at timestamptz not null,
  primary key (tenant_id, id)
);
create index oidc_replay_expiry on oidc_replay (expires_at);

-- Revoked JWT access tokens, until they would have expired anyway.
create table oidc_denied_token (
  tenant_id text not null references tenant (id) on delete cascade,
  jti text not null,
  expires_at timestamptz not null,
  primary key (tenant_id, jti)
);
create index oidc_denied_token_expiry on oidc_denied_token (expires_at);

-- What a person has agreed to, per client: outlives sessions and grants.
create table consent (
  tenant_id text not null,
  account_id text not null,
  client_id text not null,
  scopes jsonb not null default '[]',
  claims jsonb not null default '[]',
  resources jsonb not null default '{}',
  updated_at timestamptz not null,
  primary key (tenant_id, account_id, client_id),
  foreign key (tenant_id, account_id) references account (tenant_id, id) on delete cascade,
  foreign key (tenant_id, client_id) references client (tenant_id, id) on delete cascade
);
`

const walledTables = [
  'oidc_session',
  'oidc_interaction',
  'oidc_grant',
  'oidc_code',
  'oidc_access_token',
  'oidc_refresh_token',
  'oidc_replay',
  'oidc_denied_token',
  'consent',
]

export const oidcTables: Migration = {
  id: '0010-oidc',
  async up(run) {
    await run(tables)
    for (const table of walledTables) await run(tenantWall(table))
  },
}

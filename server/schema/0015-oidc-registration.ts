import type { Migration } from '../../adapters/database/port.ts'
import { tenantWall } from './0001-foundation.ts'

// Clients that administrators did not make: those that registered themselves (RFC 7591) and those that are known by a document of
// their own. Tokens stand as SHA-256; `terms` is what the client may hold at most, as it was settled when it registered.
const tables = `
alter table client
  add column origin text not null default 'administrator' check (origin in ('administrator', 'registration', 'document')),
  add column last_used_at timestamptz;
create index client_unused on client (coalesce(last_used_at, created_at)) where origin <> 'administrator';
create index client_origin on client (tenant_id, origin, id) where origin <> 'administrator';

create table client_registration (
  tenant_id text not null,
  client_id text not null,
  token_hash text not null,
  way text not null check (way in ('initialToken', 'open')),
  registrant_type text not null,
  registrant_id text not null,
  terms jsonb not null,
  software_statement text,
  updated_at timestamptz not null,
  primary key (tenant_id, client_id),
  foreign key (tenant_id, client_id) references client (tenant_id, id) on delete cascade
);

create table client_document (
  tenant_id text not null,
  client_id text not null,
  digest text not null,
  fetched_at timestamptz not null,
  fresh_until timestamptz not null,
  primary key (tenant_id, client_id),
  foreign key (tenant_id, client_id) references client (tenant_id, id) on delete cascade
);

create table oidc_initial_token (
  tenant_id text not null references tenant (id) on delete cascade,
  id text not null,
  token_hash text not null,
  label text not null default '',
  terms jsonb not null,
  created_by text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  consumed_at timestamptz,
  client_id text,
  primary key (tenant_id, id)
);
create unique index oidc_initial_token_hash on oidc_initial_token (tenant_id, token_hash);
create index oidc_initial_token_expiry on oidc_initial_token (expires_at);

-- What a tenant settles about its provider; absent: the defaults.
create table oidc_settings (
  tenant_id text primary key references tenant (id) on delete cascade,
  settings jsonb not null,
  version bigint not null default 1,
  updated_at timestamptz not null default now()
);
`

export const oidcRegistrationTables: Migration = {
  id: '0015-oidc-registration',
  async up(run) {
    await run(tables)
    for (const table of ['client_registration', 'client_document', 'oidc_initial_token', 'oidc_settings']) {
      await run(tenantWall(table))
    }
  },
}

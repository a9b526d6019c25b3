import type { Migration } from '../../adapters/database/port.ts'

// Every row belongs to a tenant, and every key begins with it. Times are timestamptz; ids are text chosen by the server.
const tables = `
create table tenant (
  id text primary key,
  name text not null,
  status text not null default 'active' check (status in ('active', 'suspended')),
  registration text not null default 'closed' check (registration in ('open', 'invited', 'closed')),
  issuer text unique,
  settings jsonb not null default '{}',
  epoch bigint not null default 0,
  created_at timestamptz not null default now()
);
-- The tenant's consistency position: raised inside every transaction that changes state a decision can see.
create table tenant_revision (
  tenant_id text primary key references tenant (id) on delete cascade,
  position bigint not null default 0
);
create table organization (
  tenant_id text not null references tenant (id) on delete cascade,
  id text not null,
  name text not null,
  status text not null default 'active' check (status in ('active', 'suspended')),
  parent_id text,
  domains jsonb not null default '[]',
  epoch bigint not null default 0,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, parent_id) references organization (tenant_id, id)
);
create table account (
  tenant_id text not null references tenant (id) on delete cascade,
  id text not null,
  status text not null default 'active' check (status in ('active', 'disabled', 'deleted')),
  claims jsonb not null default '{}',
  locale text,
  epoch bigint not null default 0,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  password_changed_at timestamptz,
  primary key (tenant_id, id)
);
-- An address that leads to an account. Unverified ones neither sign in nor link.
create table identifier (
  tenant_id text not null,
  kind text not null check (kind in ('email', 'phone', 'username')),
  normalized text not null,
  account_id text not null,
  shown text not null,
  verified_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (tenant_id, kind, normalized),
  foreign key (tenant_id, account_id) references account (tenant_id, id) on delete cascade
);
create index identifier_account on identifier (tenant_id, account_id);
create table credential (
  tenant_id text not null,
  id text not null,
  account_id text not null,
  kind text not null,
  data jsonb not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  revoked_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, account_id) references account (tenant_id, id) on delete cascade
);
create index credential_account on credential (tenant_id, account_id, kind);
-- Failed attempts per account or address within a window; never one row per request.
create table attempt_budget (
  tenant_id text not null,
  subject text not null,
  window_start timestamptz not null,
  failures int not null,
  primary key (tenant_id, subject)
);
create table client (
  tenant_id text not null references tenant (id) on delete cascade,
  id text not null,
  name text not null,
  status text not null default 'active' check (status in ('active', 'disabled')),
  metadata jsonb not null,
  secret_hashes jsonb not null default '[]',
  first_party boolean not null default false,
  organization_id text,
  epoch bigint not null default 0,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id)
);
-- Tuples and role assignments alike. anyone: subject_type '*' and subject_id '*'; any T: subject_id '*'.
create table relation (
  tenant_id text not null references tenant (id) on delete cascade,
  resource_type text not null,
  resource_id text not null,
  relation text not null,
  subject_type text not null,
  subject_id text not null,
  subject_relation text not null default '',
  until timestamptz,
  -- Given up by 0013: until the loader read conditions, a conditional tuple without its condition would have opened doors.
  condition_name text check (condition_name is null),
  condition_context jsonb check (condition_context is null),
  reason text,
  created_at timestamptz not null default now(),
  primary key (tenant_id, resource_type, resource_id, relation, subject_type, subject_id, subject_relation)
);
create index relation_subject on relation (tenant_id, subject_type, subject_id);
-- Entities of types that a tenant's own policies declare. Links are attributes.
create table entity (
  tenant_id text not null references tenant (id) on delete cascade,
  type text not null,
  id text not null,
  attributes jsonb not null default '{}',
  version bigint not null default 1,
  updated_at timestamptz not null default now(),
  primary key (tenant_id, type, id)
);
-- Roles that administrators name, describe, give permissions and let inherit. Who holds them stands in relation.
create table role (
  tenant_id text not null references tenant (id) on delete cascade,
  scope_type text not null,
  name text not null,
  description text not null default '',
  inherits jsonb not null default '[]',
  permissions jsonb not null default '[]',
  version bigint not null default 1,
  primary key (tenant_id, scope_type, name)
);
create table policy_set (
  tenant_id text not null references tenant (id) on delete cascade,
  name text not null,
  active_version text,
  version bigint not null default 1,
  primary key (tenant_id, name)
);
create table policy_version (
  tenant_id text not null,
  set_name text not null,
  version text not null,
  files jsonb not null,
  signature text not null,
  created_by text,
  created_at timestamptz not null default now(),
  primary key (tenant_id, set_name, version),
  foreign key (tenant_id, set_name) references policy_set (tenant_id, name) on delete cascade
);
create table policy_draft (
  tenant_id text not null,
  set_name text not null,
  id text not null,
  version text not null,
  created_by text,
  created_at timestamptz not null default now(),
  primary key (tenant_id, set_name, id),
  foreign key (tenant_id, set_name) references policy_set (tenant_id, name) on delete cascade
);
create table policy_activation (
  tenant_id text not null,
  set_name text not null,
  position bigint not null,
  version text,
  previous text,
  activated_by text,
  reason text,
  activated_at timestamptz not null default now(),
  primary key (tenant_id, set_name, position)
);
create table audit_event (
  tenant_id text not null references tenant (id) on delete cascade,
  id text not null,
  at timestamptz not null,
  actor_type text not null,
  actor_id text not null,
  action text not null,
  resource_type text not null,
  resource_id text not null,
  outcome text not null check (outcome in ('success', 'denied', 'failure')),
  decision_id text,
  request_id text,
  ip text,
  detail jsonb not null default '{}',
  primary key (tenant_id, id)
);
create index audit_event_time on audit_event (tenant_id, at desc, id desc);
create table outbox (
  tenant_id text not null,
  id text not null,
  topic text not null,
  payload jsonb not null,
  position bigint not null,
  created_at timestamptz not null default now(),
  sent_at timestamptz,
  primary key (tenant_id, id)
);
create index outbox_waiting on outbox (created_at) where sent_at is null;
create table setup_link (
  tenant_id text primary key references tenant (id) on delete cascade,
  token_hash text not null,
  expires_at timestamptz not null,
  used_at timestamptz
);
create table signing_key (
  tenant_id text not null references tenant (id) on delete cascade,
  kid text not null,
  purpose text not null check (purpose in ('token', 'policy')),
  algorithm text not null,
  state text not null check (state in ('next', 'current', 'retired')),
  public_jwk jsonb not null,
  sealed_private text not null,
  created_at timestamptz not null default now(),
  retires_at timestamptz,
  primary key (tenant_id, kid)
);
`

// The second wall (security.md row 10): inside a transaction that names its tenant, no other tenant's row is visible or
// writable, even to a statement that forgot its WHERE. The first wall is that every store is opened for one tenant.
const walledTables = [
  'tenant_revision',
  'organization',
  'account',
  'identifier',
  'credential',
  'attempt_budget',
  'client',
  'relation',
  'entity',
  'role',
  'policy_set',
  'policy_version',
  'policy_draft',
  'policy_activation',
  'audit_event',
  'outbox',
  'setup_link',
  'signing_key',
]

/** SQL that walls a table with a `tenant_id` column; modules use it for their own tables. */
export const tenantWall = (table: string): string => `
alter table ${table} enable row level security;
alter table ${table} force row level security;
create policy tenant_wall on ${table} using (
  coalesce(current_setting('writ.tenant', true), '') in ('', tenant_id)
) with check (coalesce(current_setting('writ.tenant', true), '') in ('', tenant_id));`

export const foundation: Migration = {
  id: '0001-foundation',
  async up(run) {
    await run(tables)
    for (const table of walledTables) await run(tenantWall(table))
    // Audit is append-only, whoever asks (admin.md §8).
    await run(`
create function refuse_audit_change() returns trigger language plpgsql as $$
begin raise exception 'audit_event is append-only' using errcode = 'insufficient_privilege'; end $$;
create trigger audit_event_append_only before update or delete on audit_event
  for each row when (pg_trigger_depth() = 0) execute function refuse_audit_change();`)
  },
}

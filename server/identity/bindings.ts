import type { EntityBinding } from '../decision/entity-binding.ts'

const isVerified = (kind: 'email' | 'phone') =>
  `exists (select 1 from identifier i where i.tenant_id = t.tenant_id and i.account_id = t.id and i.kind = '${kind}' and i.verified_at is not null)`

/** Where the people of `writ:identity` live. The gate reads the same rows fresh and hands them over itself (`entities.ts`). */
export const identityBindings: readonly EntityBinding[] = [
  {
    type: 'Tenant',
    table: 'tenant',
    idColumn: 'id',
    tenantColumn: 'id',
    remembered: true,
    attributes: { status: 'status', registration: 'registration' },
  },
  {
    type: 'Organization',
    table: 'organization',
    idColumn: 'id',
    remembered: true,
    attributes: { tenant: 'tenant_id', organization: 'parent_id', status: 'status', domains: 'domains' },
  },
  {
    type: 'User',
    table: 'account',
    idColumn: 'id',
    remembered: true,
    attributes: {
      tenant: 'tenant_id',
      status: 'status',
      emailVerified: { sql: isVerified('email') },
      phoneVerified: { sql: isVerified('phone') },
      createdAt: 'created_at',
      passwordChangedAt: 'password_changed_at',
    },
  },
  {
    type: 'Client',
    table: 'client',
    idColumn: 'id',
    remembered: true,
    attributes: {
      tenant: 'tenant_id',
      enabled: { sql: `t.status = 'active'` },
      firstParty: 'first_party',
      origin: 'origin',
      allowedScopes: { sql: `to_jsonb(array_remove(string_to_array(coalesce(t.metadata ->> 'scope', ''), ' '), ''))` },
      allowedGrants: { sql: `coalesce(t.metadata -> 'grantTypes', '["authorization_code"]'::jsonb)` },
      allowedAudiences: { column: 'metadata', path: ['allowedResources'] },
    },
  },
  {
    type: 'Session',
    table: 'oidc_session',
    idColumn: 'uid',
    attributes: { user: 'account_id' },
  },
]

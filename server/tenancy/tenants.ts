import type { Actor } from '../events/unit-of-work.ts'
import type { Tenant } from './tenant.ts'

/** The tenants of the installation, kept in memory and followed by the change feed (≤ 2 s). */
export type Tenants = {
  /** The tenant that answers without a `/t/<tenant>` prefix; made at the first start. */
  default(): Tenant
  /** From memory; undefined if unknown. Suspended ones are answered too. */
  find(id: string): Promise<Tenant | undefined>
  list(): Promise<Tenant[]>
  /** The tenant with its organization `default`, and whatever areas give a new tenant (keys), in one transaction. */
  create(actor: Actor, spec: TenantSpec): Promise<Tenant>
  update(actor: Actor, id: string, spec: Partial<Omit<TenantSpec, 'id'>>): Promise<Tenant>
}

export type TenantSpec = {
  /** Lower-case letters, digits, hyphens; stands in URLs. */
  readonly id: string
  readonly name: string
  readonly status?: Tenant['status']
  readonly registration?: Tenant['registration']
  /** Its own public base URL; absent: `<WRIT_ISSUER>/t/<id>`. */
  readonly issuer?: string
}

export const defaultTenantId = 'default'
export const defaultOrganizationId = 'default'

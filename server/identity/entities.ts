// How rows of this area look to policies: one function a type, used by the gate and by the bindings of the decision point.
import type { EntityData, EntityValue, Value } from '../../policy-lang/index.ts'
import type { ClientMetadata } from '../oidc/client-metadata.ts'

export type TenantRow = {
  readonly id: string
  readonly status: 'active' | 'suspended'
  readonly registration: 'open' | 'invited' | 'closed'
  readonly epoch: number
}

export type AccountRow = {
  readonly id: string
  readonly status: 'active' | 'disabled' | 'deleted'
  readonly epoch: number
  readonly createdAt: number
  readonly passwordChangedAt?: number
  readonly emailVerified: boolean
  readonly phoneVerified: boolean
}

export type ClientRow = {
  readonly id: string
  readonly status: 'active' | 'disabled'
  readonly epoch: number
  readonly metadata: Pick<Partial<ClientMetadata>, 'scope' | 'allowedResources' | 'grantTypes'>
  readonly firstParty: boolean
  readonly origin?: 'administrator' | 'registration' | 'document'
}

export const entityOf = (type: string, id: string): EntityValue => ({ kind: 'entity', type, id })

const setOf = (items: Iterable<string>): Value => ({ kind: 'set', items: [...new Set(items)] })

export const scopesOf = (text: string | undefined): string[] => (text ?? '').split(' ').filter((scope) => scope !== '')

export const tenantEntity = (row: TenantRow): EntityData => ({
  uid: entityOf('Tenant', row.id),
  attributes: new Map<string, Value>([
    ['status', row.status],
    ['registration', row.registration],
  ]),
})

export const userEntity = (row: AccountRow, tenantId: string): EntityData => ({
  uid: entityOf('User', row.id),
  attributes: new Map<string, Value>([
    ['tenant', entityOf('Tenant', tenantId)],
    ['status', row.status],
    ['emailVerified', row.emailVerified],
    ['phoneVerified', row.phoneVerified],
    ['createdAt', row.createdAt],
    ...(row.passwordChangedAt !== undefined ? [['passwordChangedAt', row.passwordChangedAt] as const] : []),
  ]),
})

export const clientEntity = (row: ClientRow, tenantId: string): EntityData => ({
  uid: entityOf('Client', row.id),
  attributes: new Map<string, Value>([
    ['tenant', entityOf('Tenant', tenantId)],
    ['enabled', row.status === 'active'],
    ['firstParty', row.firstParty],
    ['origin', row.origin ?? 'administrator'],
    ['allowedScopes', setOf(scopesOf(row.metadata.scope))],
    ['allowedGrants', setOf(row.metadata.grantTypes ?? ['authorization_code'])],
    ...(row.metadata.allowedResources ? [['allowedAudiences', setOf(row.metadata.allowedResources)] as const] : []),
  ]),
})

import { createHash } from 'node:crypto'
import { SecretError, type Secrets } from '../../../adapters/secrets/port.ts'
import type { RequestScope } from '../../http/request-scope.ts'
import { errors } from './errors.ts'

/** Where a search goes on. */
export type PagePlace = {
  /** The last id that was looked at; listed or not, so it is never shown. */
  readonly after: string
  /** The page may not be judged on older facts than the one before. */
  readonly position: bigint
}

/** A search without its page: another one has other tokens. */
export type PageBinding = { readonly endpoint: string; readonly query: unknown }

/** Sealed, so that nobody reads or makes one; bound to tenant, search and policy version (admin.md §5). */
export function sealPage(
  secrets: Secrets,
  { tenant, policy }: Pick<RequestScope, 'tenant' | 'policy'>,
  binding: PageBinding,
  { after, position }: PagePlace,
): string {
  const text = JSON.stringify([after, position.toString(), policy.version])
  return secrets.seal(purposeOf(tenant.id, binding), Buffer.from(text))
}

/** Throws `invalid_page_token`, or `outdated_page_token` where the rules have changed since the page before. */
export function openPage(
  secrets: Secrets,
  { tenant, policy }: Pick<RequestScope, 'tenant' | 'policy'>,
  binding: PageBinding,
  token: string,
): PagePlace {
  const [after, position, version] = JSON.parse(unseal(secrets, purposeOf(tenant.id, binding), token)) as string[] // sealed above
  if (after === undefined || position === undefined) throw errors.invalid_page_token()
  if (version !== policy.version) throw errors.outdated_page_token()
  return { after, position: BigInt(position) }
}

function unseal(secrets: Secrets, purpose: string, token: string): string {
  try {
    return Buffer.from(secrets.open(purpose, token)).toString()
  } catch (error) {
    if (error instanceof SecretError) throw errors.invalid_page_token()
    throw error
  }
}

function purposeOf(tenantId: string, { endpoint, query }: PageBinding): string {
  const text = JSON.stringify([tenantId, endpoint, query], (_, value) => canonical(value))
  return `authzen-page ${createHash('sha256').update(text).digest('base64url')}`
}

/** Members in one order: a request that is spelled anew is the same request. */
function canonical(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

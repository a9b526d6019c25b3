import { bearerToken } from '../../http/authenticate.ts'
import type { TokenVerifier } from '../../http/authentication.ts'
import { errors } from '../../http/errors.ts'
import type { RequestScope } from '../../http/request-scope.ts'
import type { Kernel } from '../../kernel.ts'
import { createInitialTokens, isInitialToken } from './initial-tokens.ts'
import { createOpenidSettings } from './openid-settings.ts'
import type { Registration, Way } from './registered-clients.ts'
import { meet, type Terms } from './terms.ts'

type Kit = { readonly kernel: Kernel; readonly verifier: TokenVerifier }
export type Registrant = {
  readonly scope: RequestScope
  readonly way: Way
  readonly terms: Terms
  readonly initialToken?: string
}

/** Who registers: whoever holds an initial access token, a person or client with a token of ours, or nobody known. */
export async function identifyRegistrant(
  { kernel, verifier }: Kit,
  scope: RequestScope,
  authorization: string | undefined,
): Promise<Registrant> {
  const tenantId = scope.tenant.id
  const open = async () => {
    const { registration } = await createOpenidSettings(kernel.database, tenantId).read()
    return { way: 'open', terms: registration } as const
  }
  if (authorization === undefined) return { scope, ...(await open()) }
  const token = bearerToken(authorization)
  if (token === undefined) throw errors.invalid_token()
  if (isInitialToken(token)) {
    const found = await createInitialTokens(kernel.database, tenantId).peek(token, scope.now)
    if (!found) throw errors.invalid_token()
    return { scope, way: 'initialToken', terms: found.terms, initialToken: token }
  }
  const audiences = ['/api', '/admin'].map((path) => scope.tenant.issuer + path)
  const who = await verifier.verify(scope.tenant, token, audiences)
  if (!who) throw errors.invalid_token()
  const { expiresAt: _, ...identity } = who
  return { scope: { ...scope, ...identity }, ...(await open()) }
}

/** What it may hold at most by now: where nobody has said it for this client, the tenant's present word counts too. */
export async function termsOf(kernel: Kernel, tenantId: string, { way, terms }: Registration): Promise<Terms> {
  if (way === 'initialToken' || terms.settled) return terms
  const { registration } = await createOpenidSettings(kernel.database, tenantId).read()
  return meet(terms, registration)
}

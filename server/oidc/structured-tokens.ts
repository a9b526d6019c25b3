import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Tenant } from '../tenancy/tenant.ts'
import type { AccessTokens, LiveToken } from './access-tokens.ts'

/**
 * The library does not know its JWTs again and refuses them, after it has authenticated the client and read the form; here that
 * refusal becomes the answer of RFC 7662 §2.2 or RFC 7009 §2.2 (provider.md §2).
 */
export async function answerStructuredToken(
  ctx: KoaContextWithOIDC,
  { tenant, accessTokens }: { readonly tenant: Tenant; readonly accessTokens: AccessTokens },
): Promise<void> {
  const refused = ctx.body as { readonly error?: string } | undefined
  const { client, params } = ctx.oidc
  if (ctx.status !== 400 || refused?.error !== 'unsupported_token_type' || !client || typeof params?.token !== 'string')
    return
  if (ctx.oidc.route === 'introspection') {
    const token = await accessTokens.read(tenant, params.token)
    ctx.status = 200
    // RFC 7662 §4: whose token it is not learns nothing about it.
    ctx.body = token?.client_id === client.clientId ? describe(token) : { active: false }
    return
  }
  const token = await accessTokens.decode(tenant, params.token)
  if (token && token.client_id !== client.clientId) {
    ctx.body = { error: 'invalid_request', error_description: 'the token was issued to another client' }
    return
  }
  // RFC 7009 §2.2: a token that means nothing is revoked already.
  if (token) await accessTokens.deny(tenant, token)
  ctx.status = 200
  ctx.body = ''
}

function describe({ writ: _writ, ...claims }: LiveToken): object {
  return { active: true, ...claims, token_type: claims.cnf ? 'DPoP' : 'Bearer' }
}

import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Tenant } from '../tenancy/tenant.ts'
import type { AccessTokens, LiveToken } from './access-tokens.ts'

export type StructuredKit = {
  readonly tenant: Tenant
  readonly accessTokens: AccessTokens
  /** Whether a client may look up a token that was given to another one. */
  readonly mayLookUp: (clientId: string, token: LiveToken) => Promise<boolean>
}

/**
 * The library does not know its JWTs again and refuses them, after it has authenticated the client and read the form; here that
 * refusal becomes the answer of RFC 7662 §2.2 or RFC 7009 §2.2 (provider.md §2).
 */
export async function answerStructuredToken(
  ctx: KoaContextWithOIDC,
  { tenant, accessTokens, mayLookUp }: StructuredKit,
): Promise<void> {
  const refused = ctx.body as { readonly error?: string } | undefined
  const { client, params } = ctx.oidc
  if (ctx.status !== 400 || refused?.error !== 'unsupported_token_type' || !client || typeof params?.token !== 'string')
    return
  if (ctx.oidc.route === 'introspection') {
    const token = await accessTokens.read(tenant, params.token)
    ctx.status = 200
    // RFC 7662 §4: whoever may not learn about it is told what an unknown one would be.
    const isTold = token && (token.client_id === client.clientId || (await mayLookUp(client.clientId, token)))
    ctx.body = isTold ? describe(token) : { active: false }
    await signIfAsked(ctx)
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

/** RFC 9701 §5: signed for whoever asked, if it asks so and was registered so. */
async function signIfAsked(ctx: KoaContextWithOIDC): Promise<void> {
  const { client, provider } = ctx.oidc
  const { introspectionSignedResponseAlg: algorithm } = client as { readonly introspectionSignedResponseAlg?: string }
  if (algorithm === undefined || ctx.accepts('json', signedIntrospection) !== signedIntrospection) return
  const answer = new provider.IdToken({}, { ctx } as never) as unknown as SignedAnswer
  answer.extra = { token_introspection: ctx.body, aud: client?.clientId }
  ctx.body = await answer.issue({ use: 'introspection' })
  ctx.type = `${signedIntrospection}; charset=utf-8`
}

const signedIntrospection = 'application/token-introspection+jwt'

/** What the library's own introspection does with its answers; its types do not name it. */
type SignedAnswer = { extra: object; issue(of: { readonly use: 'introspection' }): Promise<string> }

function describe({ writ: _writ, shown, shownAct, ...claims }: LiveToken): object {
  return {
    active: true,
    ...claims,
    ...(shown === undefined ? {} : { sub: shown }),
    ...(shownAct === undefined ? {} : { act: shownAct }),
    token_type: claims.cnf?.jkt !== undefined ? 'DPoP' : 'Bearer',
  }
}

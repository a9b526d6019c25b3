// The sample app as any app would be written: OpenID Connect by its discovery document, nothing taken from the server's inside.
import { createHash, randomBytes } from 'node:crypto'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { z } from 'zod'

/** What this app is registered as. */
export type RelyingPartySettings = {
  readonly issuer: string
  readonly clientId: string
  readonly redirectUri: string
  readonly scope: string
  /** Audience of the access token (RFC 8707). */
  readonly resource: string
}

/** Kept in the browser, sealed, between leaving for the provider and coming back. */
export const pendingShape = z.object({ state: z.string(), nonce: z.string(), verifier: z.string() })
export type Pending = z.infer<typeof pendingShape>

export type SignedIn = {
  readonly claims: { readonly [name: string]: unknown }
  readonly accessToken: string
  readonly idToken: string
  /** Milliseconds. */
  readonly expiresAt: number
}

/** Why a sign-in did not finish; `code` is the provider's, or ours where its answer cannot be trusted. */
export class SignInFailed extends Error {
  readonly code: string
  constructor(code: string, cause?: unknown) {
    super(`sign-in: ${code}`, { cause })
    this.code = code
  }
}

const metadataShape = z.object({
  issuer: z.string(),
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
  jwks_uri: z.url(),
  end_session_endpoint: z.url(),
})
const tokenShape = z.object({ access_token: z.string(), id_token: z.string(), expires_in: z.number() })
const jwksShape = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) })
const timeoutMilliseconds = 10_000

export function createRelyingParty(settings: RelyingPartySettings) {
  const { issuer, clientId, redirectUri } = settings
  return {
    /** Where to send the browser: authorization code, PKCE S256 (RFC 7636 §4.3), state and nonce. */
    async begin(): Promise<{ readonly url: string; readonly pending: Pending }> {
      const metadata = await discover(issuer)
      const pending = { state: random(), nonce: random(), verifier: random() }
      const url = new URL(metadata.authorization_endpoint)
      url.search = new URLSearchParams({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        scope: settings.scope,
        resource: settings.resource,
        state: pending.state,
        nonce: pending.nonce,
        code_challenge: createHash('sha256').update(pending.verifier).digest('base64url'),
        code_challenge_method: 'S256',
      }).toString()
      return { url: url.href, pending }
    },

    /** The provider's answer, checked and redeemed. Throws SignInFailed. */
    async finish(answer: URLSearchParams, pending: Pending, now: number): Promise<SignedIn> {
      if (answer.get('state') !== pending.state) throw new SignInFailed('wrong_state')
      // RFC 9207 §2.4: an answer of another issuer is an attack.
      if (answer.get('iss') !== issuer) throw new SignInFailed('wrong_issuer')
      const refused = answer.get('error')
      if (refused !== null) throw new SignInFailed(refused)
      const metadata = await discover(issuer)
      const tokens = await redeem(metadata.token_endpoint, {
        grant_type: 'authorization_code',
        code: answer.get('code') ?? '',
        redirect_uri: redirectUri,
        client_id: clientId,
        code_verifier: pending.verifier,
        resource: settings.resource,
      })
      const claims = await verifyIdToken(tokens.id_token, { metadata, clientId, nonce: pending.nonce, now })
      return {
        claims,
        accessToken: tokens.access_token,
        idToken: tokens.id_token,
        expiresAt: now + tokens.expires_in * 1000,
      }
    },

    /** Where to send the browser to end the provider's session too (RP-Initiated Logout §2). */
    async endSessionUrl(returnTo: string): Promise<string> {
      const url = new URL((await discover(issuer)).end_session_endpoint)
      url.search = new URLSearchParams({ client_id: clientId, post_logout_redirect_uri: returnTo }).toString()
      return url.href
    },
  }
}
export type RelyingParty = ReturnType<typeof createRelyingParty>

type Metadata = z.infer<typeof metadataShape>

async function discover(issuer: string): Promise<Metadata> {
  const metadata = metadataShape.parse(await fetchJson(`${issuer}/.well-known/openid-configuration`))
  // OpenID Connect Discovery §4.3.
  if (metadata.issuer !== issuer) throw new SignInFailed('wrong_issuer')
  return metadata
}

async function redeem(endpoint: string, fields: { readonly [name: string]: string }) {
  const body = new URLSearchParams(fields)
  const response = await fetch(endpoint, { method: 'POST', body, signal: AbortSignal.timeout(timeoutMilliseconds) })
  const answer: unknown = await response.json()
  if (response.ok) return tokenShape.parse(answer)
  const error = z.object({ error: z.string() }).safeParse(answer)
  throw new SignInFailed(error.success ? error.data.error : 'token_request_failed')
}

async function verifyIdToken(
  token: string,
  expected: { readonly metadata: Metadata; readonly clientId: string; readonly nonce: string; readonly now: number },
): Promise<SignedIn['claims']> {
  const keys = createLocalJWKSet(jwksShape.parse(await fetchJson(expected.metadata.jwks_uri)))
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer: expected.metadata.issuer,
      audience: expected.clientId,
      algorithms: ['ES256'],
      requiredClaims: ['sub', 'iat', 'exp', 'nonce'],
      currentDate: new Date(expected.now),
      clockTolerance: 10,
    })
    if (payload.nonce !== expected.nonce) throw new SignInFailed('wrong_nonce')
    return payload
  } catch (error) {
    throw error instanceof SignInFailed ? error : new SignInFailed('invalid_id_token', error)
  }
}

async function fetchJson(url: string): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMilliseconds) })
  if (!response.ok) throw new SignInFailed('provider_unavailable')
  return response.json()
}

const random = (): string => randomBytes(32).toString('base64url')

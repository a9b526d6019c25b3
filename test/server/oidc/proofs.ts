import { hash, randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWTHeaderParameters, SignJWT } from 'jose'

export type Claims = { readonly [claim: string]: unknown }

/** A key of a client, and what it signs. */
export async function openClientKey(alg = 'ES256') {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const publicJwk = { ...(await exportJWK(publicKey)), alg, use: 'sig', kid: 'client-key' }
  const sign = (payload: Claims, header: Partial<JWTHeaderParameters> = {}) =>
    new SignJWT({ ...payload }).setProtectedHeader({ alg, ...header }).sign(privateKey)
  const { kty, crv, x, y, n, e } = publicJwk
  const embedded = Object.fromEntries(
    Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined),
  )
  const seconds = () => Math.floor(Date.now() / 1_000)
  return {
    publicJwk,
    thumbprint: await calculateJwkThumbprint(publicJwk),
    sign,
    /** RFC 7523 §3; `undefined` leaves a claim out. */
    assertion: (clientId: string, issuer: string, changes: Claims = {}) =>
      sign(
        {
          iss: clientId,
          sub: clientId,
          aud: issuer,
          jti: randomUUID(),
          iat: seconds(),
          exp: seconds() + 60,
          ...changes,
        },
        { kid: 'client-key' },
      ),
    /** RFC 9449 §4.2. */
    proof: (
      of: { readonly method: string; readonly url: string; readonly nonce?: string; readonly token?: string },
      changes: Claims = {},
      header: Partial<JWTHeaderParameters> = {},
    ) =>
      sign(
        {
          htm: of.method,
          htu: of.url,
          jti: randomUUID(),
          iat: seconds(),
          ...(of.nonce !== undefined ? { nonce: of.nonce } : {}),
          ...(of.token !== undefined ? { ath: hash('sha256', of.token, 'base64url') } : {}),
          ...changes,
        },
        { typ: 'dpop+jwt', jwk: embedded, ...header },
      ),
  }
}
export type ClientKey = Awaited<ReturnType<typeof openClientKey>>

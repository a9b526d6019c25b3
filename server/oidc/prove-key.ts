import type { X509Certificate } from 'node:crypto'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { DpopNonces } from './dpop-nonces.ts'
import { readDpopProof } from './dpop-proof.ts'
import type { Library } from './library.ts'
import { certificateOf } from './mutual-tls.ts'

/** What a token of our own grants is bound to. */
export type Binding = { readonly jkt?: string; readonly certificate?: X509Certificate }

export const isBinding = ({ jkt, certificate }: Binding): boolean => jkt !== undefined || certificate !== undefined

/** Key and certificate, each where the client shows it and must (RFC 9449 §5, RFC 8705 §3). */
export async function proveBinding(ctx: KoaContextWithOIDC, kit: Parameters<typeof proveKey>[1]): Promise<Binding> {
  const isCertified = ctx.oidc.client?.tlsClientCertificateBoundAccessTokens === true
  const certificate = isCertified ? certificateOf(ctx)?.x509 : undefined
  if (isCertified && !certificate)
    throw new kit.library.errors.InvalidGrant('mutual TLS client certificate not provided')
  const jkt = await proveKey(ctx, kit)
  return { ...(jkt === undefined ? {} : { jkt }), ...(certificate ? { certificate } : {}) }
}

/**
 * The key that a token of our own grants is bound to (RFC 9449 §5), by the same rules as at the library's: a nonce of ours, each
 * proof once. Undefined where the client proves none and need not.
 */
async function proveKey(
  ctx: KoaContextWithOIDC,
  { library, nonces, now }: { readonly library: Library; readonly nonces: DpopNonces; readonly now: number },
): Promise<string | undefined> {
  const { client, provider } = ctx.oidc
  const { InvalidDpopProof, InvalidGrant, UseDpopNonce } = library.errors
  const header = ctx.get('dpop')
  if (header === '') {
    if (client?.dpopBoundAccessTokens) throw new InvalidGrant('DPoP proof JWT not provided')
    return undefined
  }
  const proof = await readDpopProof(
    { proof: header, method: ctx.method, url: ctx.oidc.urlFor('token') },
    undefined,
    now,
  )
  if (!proof) throw new InvalidDpopProof('invalid DPoP key binding')
  const next = nonces.next(now)
  if (proof.nonce !== next) ctx.set('dpop-nonce', next)
  if (proof.nonce === undefined || !nonces.isGood(proof.nonce, now)) throw new UseDpopNonce('a nonce is required')
  const isNew = await provider.ReplayDetection.unique(client?.clientId ?? '', proof.jti, proof.expiresAtSeconds)
  if (!isNew) throw new InvalidGrant('DPoP proof JWT Replay detected')
  return proof.thumbprint
}

import { createPublicKey, hash, type KeyObject } from 'node:crypto'
import { type JWTPayload, jwtVerify } from 'jose'
import type { Clock } from '../../adapters/clock/port.ts'
import type { Database } from '../../adapters/database/port.ts'
import type { Secrets } from '../../adapters/secrets/port.ts'
import type { Authenticated, Possession, TokenVerifier } from '../http/authentication.ts'
import { errors } from '../http/errors.ts'
import { entityOf, scopesOf } from '../identity/entities.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import type { DpopNonces } from './dpop-nonces.ts'
import { dpopAlgorithms, readDpopProof } from './dpop-proof.ts'
import type { SigningKey } from './keys.ts'
import type { Actor } from './mint-access-token.ts'
import { openAccount } from './pairwise.ts'
import { createReplayGuard } from './replay-guard.ts'
import { actorsOf, type WritClaims } from './token-claims.ts'

/** A JWT of ours whose signature, time and standing are good now. */
export type LiveToken = JWTPayload & {
  readonly jti: string
  /** The account or client, also where the token itself shows a pairwise name. */
  readonly sub: string
  /** What the token itself shows, where that is another name. */
  readonly shown?: string
  /** Who acts, as it is told, where the real ones stand in `act`. */
  readonly shownAct?: Actor | undefined
  readonly client_id: string
  readonly exp: number
  readonly aud: string
  readonly scope?: string
  /** The key that the token is bound to (RFC 9449 §6.1), the certificate (RFC 8705 §3.1), or both. */
  readonly cnf?: { readonly jkt?: string; readonly 'x5t#S256'?: string }
  readonly writ: WritClaims
  /** Who acts for `sub` (RFC 8693 §4.1). */
  readonly act?: Actor
}

/** Standing is this old at most (architecture.md, epochs). */
const freshMilliseconds = 1_000
const cacheEntries = 10_000
const longestToken = 8_192
const clockToleranceSeconds = 10

export type AccessTokens = TokenVerifier & {
  /** As `verify`, for whatever audience of ours; for introspection and revocation, which look past the cache. */
  read(tenant: Tenant, token: string): Promise<LiveToken | undefined>
  /** Good signature, whatever its standing; for revocation. */
  decode(tenant: Tenant, token: string): Promise<LiveToken | undefined>
  /** Refuses `jti` until it would have expired. */
  deny(tenant: Tenant, token: LiveToken): Promise<void>
}

const standingStatement = {
  name: 'access-token-standing',
  text: `select n.status = 'active' and n.epoch = $3 and c.status = 'active' and c.epoch = $4
  and ($5::text is null or (a.status = 'active' and a.epoch = $6))
  and ($7::text is null or exists (select 1 from oidc_grant g where g.tenant_id = n.id and g.id_hash = $7))
  and not exists (select 1 from oidc_denied_token d where d.tenant_id = n.id and d.jti = any($8::text[]))
  and not exists (select 1 from unnest($9::text[], $10::bigint[]) as v(client, epoch)
    left join client s on s.tenant_id = n.id and s.id = v.client
    where s.id is null or s.status <> 'active' or s.epoch <> v.epoch) as live
from tenant n
join client c on c.tenant_id = n.id and c.id = $2
left join account a on a.tenant_id = n.id and a.id = $5
where n.id = $1`,
}

/** Judges the JWT access tokens that this server has signed (RFC 9068 §4), with the present standing of everyone behind them. */
export function createAccessTokens(kit: {
  readonly database: Database
  readonly clock: Clock
  readonly secrets: Secrets
  readonly keysOf: (tenant: Tenant) => Promise<readonly SigningKey[]>
  /** Whether its `aud` is a resource still. */
  readonly isAudience: (tenant: Tenant, audience: string) => Promise<boolean>
  readonly noncesOf: (tenantId: string) => DpopNonces
}): AccessTokens {
  const { database, clock, keysOf } = kit
  const publicKeys = new WeakMap<SigningKey, KeyObject>()
  const fresh = new Map<string, { readonly token: LiveToken; readonly until: number }>()

  const keyFor = async (tenant: Tenant, kid: string | undefined): Promise<KeyObject> => {
    const key = (await keysOf(tenant)).find((candidate) => candidate.kid === kid && candidate.algorithm === 'ES256')
    if (!key) throw new Error('unknown key')
    const known = publicKeys.get(key) ?? createPublicKey({ key: { ...key.publicJwk }, format: 'jwk' })
    publicKeys.set(key, known)
    return known
  }

  const decode = async (tenant: Tenant, token: string): Promise<LiveToken | undefined> => {
    if (token.length > longestToken || token.split('.').length !== 3) return undefined
    await keysOf(tenant)
    try {
      const { payload } = await jwtVerify(token, ({ kid }) => keyFor(tenant, kid), {
        issuer: tenant.issuer,
        algorithms: ['ES256'],
        typ: 'at+jwt',
        currentDate: new Date(clock.now()),
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['jti', 'sub', 'client_id', 'exp', 'aud'],
      })
      return isOurs(payload) ? namedInside(kit.secrets, tenant.id, payload) : undefined
    } catch {
      return undefined
    }
  }

  const isLive = async (tenant: Tenant, token: LiveToken): Promise<boolean> => {
    const [tenantEpoch, clientEpoch, accountEpoch] = token.writ.ep
    const accountId = token.sub === token.client_id ? null : token.sub
    const { via = [] } = token.writ
    const values = [
      tenant.id,
      token.client_id,
      tenantEpoch,
      clientEpoch,
      accountId,
      accountEpoch,
      token.writ.gr ?? null,
      [token.jti, ...via.map(([, , jti]) => jti)],
      via.map(([client]) => client),
      via.map(([, epoch]) => epoch),
    ]
    const [row] = await database.query<{ live: boolean }>(standingStatement, values)
    return row?.live === true
  }

  const read = async (tenant: Tenant, text: string): Promise<LiveToken | undefined> => {
    const token = await decode(tenant, text)
    if (!token || !(await kit.isAudience(tenant, token.aud))) return undefined
    return (await isLive(tenant, token)) ? token : undefined
  }

  /** The proof is good for this request, made by the token's key, and new (RFC 9449 §7.1). ORDER: only a good proof is claimed. */
  const isHeldBy = async (
    tenant: Tenant,
    { token, text, possession }: { readonly token: LiveToken; readonly text: string; readonly possession: Possession },
  ): Promise<boolean> => {
    const proof = await readDpopProof(possession, text, clock.now())
    if (!proof || proof.thumbprint !== token.cnf?.jkt) return false
    requireNonce(kit.noncesOf(tenant.id), { nonce: proof.nonce, now: clock.now(), possession })
    const use = { purpose: 'resource', issuer: proof.thumbprint, id: proof.jti } as const
    return createReplayGuard(database, tenant.id)(use, proof.expiresAtSeconds)
  }

  const readCached = async (tenant: Tenant, text: string): Promise<LiveToken | undefined> => {
    const now = clock.now()
    const key = hash('sha256', JSON.stringify([tenant.id, tenant.issuer, text]), 'base64url')
    const known = fresh.get(key)
    if (known && known.until > now) return known.token
    fresh.delete(key)
    const token = await read(tenant, text)
    if (!token) return undefined
    if (fresh.size >= cacheEntries) fresh.clear()
    fresh.set(key, { token, until: Math.min(now + freshMilliseconds, token.exp * 1_000) })
    return token
  }

  return {
    read,
    decode,
    async verify(tenant, text, audiences, possession) {
      const token = await readCached(tenant, text)
      if (!token || !audiences.includes(token.aud)) return undefined
      const { jkt, 'x5t#S256': certificate } = token.cnf ?? {}
      if (certificate !== undefined && certificate !== possession?.certificate) return undefined
      const isProven = possession?.scheme === 'DPoP'
      if ((jkt !== undefined) !== isProven) return undefined
      if (isProven && !(await isHeldBy(tenant, { token, text, possession }))) return undefined
      return authenticatedBy(token)
    },
    async deny(tenant, token) {
      const text = `insert into oidc_denied_token (tenant_id, jti, expires_at) values ($1, $2, $3) on conflict do nothing`
      const expiresAt = new Date((token.exp + clockToleranceSeconds) * 1_000)
      await database.query({ name: 'oidc_denied_token-put', text }, [tenant.id, token.jti, expiresAt])
      fresh.clear()
    },
  }
}

/**
 * Nothing made in advance is of use: a good proof without a nonce of ours is sent back with one (RFC 9449 §9), and one whose nonce is
 * getting old is told the next.
 */
function requireNonce(
  nonces: DpopNonces,
  {
    nonce,
    now,
    possession,
  }: { readonly nonce: string | undefined; readonly now: number; readonly possession: Possession },
): void {
  const next = nonces.next(now)
  if (nonce === undefined || !nonces.isGood(nonce, now)) {
    const challenge = `DPoP error="use_dpop_nonce", algs="${dpopAlgorithms.join(' ')}"`
    throw errors.use_dpop_nonce({ headers: { 'www-authenticate': challenge, 'dpop-nonce': next } })
  }
  if (nonce !== next) possession.offerNonce(next)
}

/** Whatever else our keys may sign one day, an access token has this shape. */
function isOurs(payload: JWTPayload): payload is LiveToken {
  const { jti, sub, client_id: clientId, aud, exp, writ, cnf } = payload
  if (typeof jti !== 'string' || typeof sub !== 'string' || typeof clientId !== 'string') return false
  if (typeof aud !== 'string' || typeof exp !== 'number' || !isBinding(cnf)) return false
  const { ep, gr, via = [] } = (writ ?? {}) as Partial<WritClaims>
  if (!Array.isArray(ep) || ep.length !== 3 || !ep.every(Number.isSafeInteger)) return false
  if (!Array.isArray(via)) return false
  // A person's token always hangs on a grant.
  return sub === clientId ? gr === undefined : typeof gr === 'string'
}

/** A pairwise `sub` is for others; whom the token is about stands inside, sealed for this very token. */
function namedInside(secrets: Secrets, tenantId: string, token: LiveToken): LiveToken | undefined {
  const { of, by } = token.writ
  if (of === undefined && by === undefined) return token
  const open = (jti: string, sealed: unknown): string | undefined =>
    typeof sealed === 'string' ? openAccount(secrets, tenantId, { jti, sealed }) : undefined
  const sub = of === undefined ? token.sub : open(token.jti, of)
  const actors = by === undefined ? undefined : open(actorsOf(token.jti), by)
  if (sub === undefined || (by !== undefined && actors === undefined)) return undefined
  return {
    ...token,
    ...(of === undefined ? {} : { sub, shown: token.sub }),
    // Sealed by us as the chain that was minted.
    ...(actors === undefined ? {} : { act: JSON.parse(actors) as Actor, shownAct: token.act }),
  }
}

/** Absent, or thumbprints of a key and a certificate: a binding that is not understood is not passed over. */
function isBinding(cnf: unknown): boolean {
  if (cnf === undefined) return true
  const members = typeof cnf === 'object' && cnf !== null ? Object.entries(cnf) : []
  return (
    members.length > 0 &&
    members.every(([name, value]) => (name === 'jkt' || name === 'x5t#S256') && typeof value === 'string')
  )
}

function authenticatedBy(token: LiveToken): Authenticated {
  const client = entityOf('Client', token.client_id)
  const isClient = token.sub === token.client_id
  const { acr, amr, auth_time: authTime } = token
  const hasSession = typeof acr === 'string' && typeof authTime === 'number'
  return {
    subject: isClient ? client : entityOf('User', token.sub),
    client,
    scopes: new Set(scopesOf(token.scope)),
    expiresAt: token.exp * 1_000,
    ...actorOf(token.act),
    ...(hasSession
      ? {
          session: {
            id: token.writ.gr ?? token.jti,
            acr,
            amr: Array.isArray(amr) ? amr.filter((method) => typeof method === 'string') : [],
            authenticatedAt: authTime * 1_000,
          },
        }
      : {}),
  }
}

/** RFC 8693 §4.1: whoever acts now stands outermost; a client names itself by `client_id` too. */
function actorOf(act: unknown): Pick<Authenticated, 'actor'> {
  const { sub, client_id: clientId } = (act ?? {}) as Actor
  if (typeof sub !== 'string') return {}
  return { actor: entityOf(clientId === sub ? 'Client' : 'User', sub) }
}

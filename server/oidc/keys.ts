import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { UnitOfWork } from '../events/unit-of-work.ts'
import { entityOf } from '../identity/entities.ts'
import type { Kernel } from '../kernel.ts'

/** Access tokens are signed ES256; ID tokens RS256, which OpenID requires, unless the client asks otherwise. */
export type SigningAlgorithm = 'ES256' | 'RS256'

export type SigningKey = {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly state: 'next' | 'current' | 'retired'
  readonly publicJwk: { readonly [member: string]: unknown }
  readonly privateJwk: { readonly [member: string]: unknown }
}

type KeyRecord = {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly state: SigningKey['state']
  readonly public_jwk: { readonly [member: string]: unknown }
  readonly sealed_private: string
}

type KeyStore = Pick<Kernel, 'database' | 'secrets' | 'clock' | 'withTransaction'>

/**
 * The token keys of a tenant, generated at first use. RSA takes a while, so both kinds are made at once on the thread pool and
 * outside of the transaction; of two nodes that do so together one wins, and both use its keys.
 */
export async function ensureSigningKeys(store: KeyStore, tenantId: string): Promise<readonly SigningKey[]> {
  const existing = await readSigningKeys(store, tenantId)
  if (existing.length > 0) return existing
  const made = await makeSigningKeys(store)
  const actor = { tenantId, subject: entityOf('Tenant', tenantId) }
  await store.withTransaction(actor, async (unit) => {
    unit.recordOnly()
    await store.database.query({ name: 'signing-key-lock', text: 'select id from tenant where id = $1 for update' }, [
      tenantId,
    ])
    if ((await readSigningKeys(store, tenantId)).length > 0) return
    await insertSigningKeys(store, unit, { tenantId, keys: made, state: 'current' })
  })
  return readSigningKeys(store, tenantId)
}

/** What every statement about token keys ends in; policies are signed by keys of their own. */
export const keyPurpose = "and purpose = 'token'"

/** One key of each kind, not yet stored. */
export const makeSigningKeys = (store: Pick<KeyStore, 'secrets'>): Promise<readonly MadeKey[]> =>
  Promise.all([makeKey(store, 'ES256'), makeKey(store, 'RS256')])

export async function insertSigningKeys(
  { database, secrets, clock }: KeyStore,
  unit: UnitOfWork,
  of: { readonly tenantId: string; readonly keys: readonly MadeKey[]; readonly state: 'current' | 'next' },
): Promise<void> {
  const { tenantId, state } = of
  const text = `insert into signing_key (tenant_id, kid, purpose, algorithm, state, public_jwk, sealed_private, created_at)
values ($1, $2, 'token', $3, $4, $5, $6, $7)`
  for (const { kid, algorithm, publicJwk, privateJwk } of of.keys) {
    const sealed = secrets.seal(purposeOf(tenantId, kid), Buffer.from(JSON.stringify(privateJwk)))
    const values = [tenantId, kid, algorithm, state, JSON.stringify(publicJwk), sealed, new Date(clock.now())]
    await database.query({ name: 'signing-key-insert', text }, values)
    const detail = { kid, algorithm, state }
    unit.audit({ action: 'oidc.key.created', resource: entityOf('Tenant', tenantId), detail })
  }
}

/** Current keys first: the library signs with the first that fits. */
async function readSigningKeys({ database, secrets }: KeyStore, tenantId: string): Promise<readonly SigningKey[]> {
  const rows = await database.query<KeyRecord>(
    {
      name: 'signing-key-read',
      text: `select kid, algorithm, state, public_jwk, sealed_private from signing_key where tenant_id = $1 and purpose = 'token'
order by case state when 'current' then 0 when 'next' then 1 else 2 end, created_at desc`,
    },
    [tenantId],
  )
  return rows.map((row) => ({
    kid: row.kid,
    algorithm: row.algorithm,
    state: row.state,
    publicJwk: row.public_jwk,
    privateJwk: JSON.parse(
      Buffer.from(secrets.open(purposeOf(tenantId, row.kid), row.sealed_private)).toString('utf8'),
    ),
  }))
}

const purposeOf = (tenantId: string, kid: string): string => `signing-key:${tenantId}:${kid}`

export type MadeKey = Pick<SigningKey, 'kid' | 'algorithm' | 'publicJwk' | 'privateJwk'>

async function makeKey({ secrets }: Pick<KeyStore, 'secrets'>, algorithm: SigningAlgorithm): Promise<MadeKey> {
  const { publicKey, privateKey } = await generate(algorithm)
  const kid = `${algorithm.toLowerCase()}-${secrets.token(12)}`
  const members = { kid, alg: algorithm, use: 'sig' }
  return {
    kid,
    algorithm,
    publicJwk: { ...exportJwk(publicKey), ...members },
    privateJwk: { ...exportJwk(privateKey), ...members },
  }
}

const generateKeys = promisify(generateKeyPair)

const generate = (algorithm: SigningAlgorithm): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> =>
  algorithm === 'ES256'
    ? generateKeys('ec', { namedCurve: 'P-256' })
    : generateKeys('rsa', { modulusLength: 2_048, publicExponent: 65_537 })

const exportJwk = (key: KeyObject): object => key.export({ format: 'jwk' })

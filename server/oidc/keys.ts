import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { UnitOfWork } from '../events/unit-of-work.ts'
import { entityOf } from '../identity/entities.ts'
import type { Kernel } from '../kernel.ts'
import { ordinaryAlgorithms, type SigningAlgorithm } from './algorithms.ts'

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
 * The token keys of a tenant, generated at first use of an algorithm. RSA takes a while, so all are made at once on the thread pool
 * and outside of the transaction; of two nodes that do so together one wins, and both use its keys.
 */
export async function ensureSigningKeys(
  store: KeyStore,
  tenantId: string,
  algorithms: readonly SigningAlgorithm[] = ordinaryAlgorithms,
): Promise<readonly SigningKey[]> {
  const existing = await readSigningKeys(store, tenantId)
  const missing = missingIn(existing, algorithms)
  if (missing.length === 0) return existing
  const made = await makeSigningKeys(store, missing)
  const actor = { tenantId, subject: entityOf('Tenant', tenantId) }
  await store.withTransaction(actor, async (unit) => {
    unit.recordOnly()
    await store.database.query({ name: 'signing-key-lock', text: 'select id from tenant where id = $1 for update' }, [
      tenantId,
    ])
    const stillMissing = missingIn(await readSigningKeys(store, tenantId), missing)
    const keys = made.filter(({ algorithm }) => stillMissing.includes(algorithm))
    await insertSigningKeys(store, unit, { tenantId, keys, state: 'current' })
  })
  return readSigningKeys(store, tenantId)
}

const missingIn = (keys: readonly SigningKey[], algorithms: readonly SigningAlgorithm[]): readonly SigningAlgorithm[] =>
  algorithms.filter((algorithm) => !keys.some((key) => key.algorithm === algorithm && key.state === 'current'))

/** What every statement about token keys ends in; policies are signed by keys of their own. */
export const keyPurpose = "and purpose = 'token'"

/** One key for each algorithm, not yet stored. */
export const makeSigningKeys = (
  store: Pick<KeyStore, 'secrets'>,
  algorithms: readonly SigningAlgorithm[],
): Promise<readonly MadeKey[]> => Promise.all(algorithms.map((algorithm) => makeKey(store, algorithm)))

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

function generate(algorithm: SigningAlgorithm): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  switch (algorithm) {
    case 'ES256':
      return generateKeys('ec', { namedCurve: 'P-256' })
    case 'EdDSA':
      return generateKeys('ed25519')
    case 'RS256':
    case 'PS256':
      return generateKeys('rsa', { modulusLength: 2_048, publicExponent: 65_537 })
  }
}

const exportJwk = (key: KeyObject): object => key.export({ format: 'jwk' })

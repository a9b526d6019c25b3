import { type Database, DatabaseError } from '../../adapters/database/port.ts'
import type { Secrets } from '../../adapters/secrets/port.ts'
import type { UnitOfWork } from '../events/unit-of-work.ts'
import { algorithmMistakeOf, algorithmsOf } from '../oidc/algorithms.ts'
import { type ClientMetadata, clientMetadataSchema, hashClientSecret } from '../oidc/client-metadata.ts'
import { fapiMistake } from '../oidc/fapi.ts'
import { certificateMistake } from '../oidc/mutual-tls.ts'
import { sectorMistake } from '../oidc/pairwise.ts'
import { pkceMistake } from '../oidc/pkce-policy.ts'
import { createOpenidSettings } from '../oidc/registration/openid-settings.ts'
import { cliClientId } from './cli-token.ts'
import { adminErrors } from './errors.ts'
import { entity } from './request.ts'

export type StoredClient = {
  readonly id: string
  readonly name: string
  readonly status: 'active' | 'disabled'
  readonly metadata: ClientMetadata
  readonly secretHashes: readonly string[]
  readonly firstParty: boolean
  readonly organization?: string
  /** Made by an administrator, by itself (RFC 7591), or known by a document at its own address. */
  readonly origin: 'administrator' | 'registration' | 'document'
  readonly version: number
  readonly createdAt: number
  /** When it last received a token; kept for clients that no administrator made. */
  readonly lastUsedAt?: number
}
export type NewClient = Pick<StoredClient, 'id' | 'name' | 'metadata' | 'firstParty' | 'organization'> &
  Partial<Pick<StoredClient, 'origin'>>
export type ClientChange = Partial<Pick<StoredClient, 'name' | 'status' | 'metadata' | 'firstParty'>>

/** Two live secrets, so that a new one can be rolled out before the old one ends (provider.md §3). */
const liveSecrets = 2

export const usesSecret = (metadata: Pick<ClientMetadata, 'tokenEndpointAuthMethod'>): boolean =>
  metadata.tokenEndpointAuthMethod.startsWith('client_secret')

/** Clients of one tenant. A secret leaves here once, when it is made; only its digest is kept. */
export function createClientStore(database: Database, tenantId: string) {
  const rows = () => database.table('client').where('tenant_id', tenantId)
  const find = async (id: string): Promise<StoredClient | undefined> => {
    const [row]: ClientRow[] = await rows().where('id', id)
    return row && clientOf(row)
  }
  const changed = (unit: UnitOfWork, id: string, action: string, detail: object = {}) => {
    unit.audit({ action: `client.${action}`, resource: entity('Client', id), detail })
    unit.emit(`openid.client.${action}`, { clientId: id, ...detail })
    unit.changed({ kind: 'client', id })
  }
  const putHashes = (id: string, hashes: readonly string[]) =>
    rows()
      .where('id', id)
      .update({ secret_hashes: JSON.stringify(hashes), version: database.raw('version + 1') })
  /** Each member is right by itself; together they may be of no use. Whoever writes them is told, not the client later. */
  const requireServable = async (metadata: ClientMetadata): Promise<void> => {
    const settings = await createOpenidSettings(database, tenantId).read()
    const detail =
      fapiMistake(metadata) ??
      certificateMistake(metadata) ??
      sectorMistake(metadata) ??
      pkceMistake(metadata, settings.certification) ??
      algorithmMistakeOf(metadata, algorithmsOf(settings))
    if (detail !== undefined) throw adminErrors.client_unusable({ detail })
  }
  return {
    find,
    async list(
      after: string | undefined,
      limit: number,
      origin?: StoredClient['origin'] | undefined,
    ): Promise<StoredClient[]> {
      const query = rows().orderBy('id').limit(limit)
      if (after !== undefined) query.where('id', '>', after)
      if (origin !== undefined) query.where('origin', origin)
      const found: ClientRow[] = await query
      return found.map(clientOf)
    },
    /** With the secret's digest, where the client has one. */
    async create(unit: UnitOfWork, client: NewClient, secret: string | undefined): Promise<void> {
      if (client.id === cliClientId) throw adminErrors.client_exists()
      await requireServable(client.metadata)
      try {
        await database.table('client').insert({
          tenant_id: tenantId,
          id: client.id,
          name: client.name,
          metadata: JSON.stringify(client.metadata),
          secret_hashes: JSON.stringify(secret === undefined ? [] : [hashClientSecret(secret)]),
          first_party: client.firstParty,
          organization_id: client.organization ?? null,
          origin: client.origin ?? 'administrator',
        })
      } catch (error) {
        if (error instanceof DatabaseError && error.kind === 'unique') throw adminErrors.client_exists({ cause: error })
        throw error
      }
      changed(unit, client.id, 'created')
    },
    async update(unit: UnitOfWork, id: string, change: ClientChange): Promise<void> {
      const { name, status, metadata, firstParty } = change
      if (metadata !== undefined) await requireServable(metadata)
      const before = metadata === undefined ? undefined : await find(id)
      await rows()
        .where('id', id)
        .update({
          ...(name === undefined ? {} : { name }),
          ...(status === undefined ? {} : { status }),
          ...(metadata === undefined ? {} : { metadata: JSON.stringify(metadata) }),
          ...(firstParty === undefined ? {} : { first_party: firstParty }),
          version: database.raw('version + 1'),
          updated_at: database.raw('now()'),
        })
      // What was given before is judged anew: scopes, audiences or the status may have become fewer.
      const isOther = metadata !== undefined && !isSameButDescription(before?.metadata, metadata)
      if (status !== undefined || isOther) unit.raiseEpoch(entity('Client', id))
      changed(unit, id, 'updated', { changed: Object.keys(change) })
    },
    /** Adds a secret; of more than two the oldest ends. Answers the new one. */
    async rotateSecret(unit: UnitOfWork, client: StoredClient, secrets: Secrets): Promise<string> {
      const secret = secrets.token(32)
      await putHashes(client.id, [hashClientSecret(secret), ...client.secretHashes].slice(0, liveSecrets))
      changed(unit, client.id, 'secret_rotated')
      return secret
    },
    /** Makes `secret` the only one. */
    async replaceSecret(unit: UnitOfWork, id: string, secret: string): Promise<void> {
      await putHashes(id, [hashClientSecret(secret)])
      unit.raiseEpoch(entity('Client', id))
      changed(unit, id, 'secret_replaced')
    },
    /** The client shows who it is in another way from now on. */
    async dropSecrets(unit: UnitOfWork, id: string): Promise<void> {
      await putHashes(id, [])
      changed(unit, id, 'secrets_dropped')
    },
    async remove(unit: UnitOfWork, id: string): Promise<void> {
      await rows().where('id', id).delete()
      changed(unit, id, 'removed')
    },
  }
}

type ClientRow = {
  readonly id: string
  readonly name: string
  readonly status: StoredClient['status']
  readonly metadata: object
  readonly secret_hashes: readonly string[]
  readonly first_party: boolean
  readonly organization_id: string | null
  readonly origin: StoredClient['origin']
  readonly last_used_at: Date | null
  readonly version: string | number
  readonly created_at: Date
}

const clientOf = (row: ClientRow): StoredClient => ({
  id: row.id,
  name: row.name,
  status: row.status,
  metadata: clientMetadataSchema.parse(row.metadata),
  secretHashes: row.secret_hashes,
  firstParty: row.first_party,
  ...(row.organization_id === null ? {} : { organization: row.organization_id }),
  origin: row.origin,
  version: Number(row.version),
  createdAt: row.created_at.getTime(),
  ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at.getTime() }),
})

/** What an app says about itself to people: nothing that it was given hangs on it. */
const descriptions: ReadonlySet<string> = new Set([
  'clientUri',
  'policyUri',
  'tosUri',
  'logoUri',
  'contacts',
  'softwareVersion',
  'initiateLoginUri',
  'requestUris',
  'corsOrigins',
])

function isSameButDescription(before: ClientMetadata | undefined, after: ClientMetadata): boolean {
  const rest = (metadata: ClientMetadata | undefined) =>
    JSON.stringify(
      Object.entries(metadata ?? {})
        .filter(([name, value]) => !descriptions.has(name) && value !== undefined)
        .sort(([one], [other]) => (one < other ? -1 : 1)),
    )
  return before !== undefined && rest(before) === rest(after)
}

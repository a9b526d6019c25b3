import type { Egress } from '../../../adapters/egress/port.ts'
import type { Program } from '../../../policy-lang/index.ts'
import { createClientStore } from '../../admin/client-store.ts'
import { Refusal } from '../../http/refusal.ts'
import type { RequestScope } from '../../http/request-scope.ts'
import { createTokenBuckets } from '../../http/token-buckets.ts'
import { entityOf } from '../../identity/entities.ts'
import type { Kernel } from '../../kernel.ts'
import { detailTypesOf } from '../authorization-details.ts'
import { clientMetadataSchema } from '../client-metadata.ts'
import type { ClientRecord, ClientRecords } from '../client-records.ts'
import type { TenantProvider } from '../providers.ts'
import { type ClientDocument, type DocumentFailure, documentHost, readClientDocument } from './client-document.ts'
import { requireRegistrable, requireServable } from './judge-client.ts'
import type { OpenidSettings } from './openid-settings.ts'
import type { Candidate } from './read-metadata.ts'
import { createRegistrations } from './registered-clients.ts'
import { requireUsable } from './require-usable.ts'

const day = 86_400_000
/** How long requests share what one of them has fetched. */
const sharedMilliseconds = 5_000
/** How long the last good document stands in for one that does not answer. */
const staleMilliseconds = day
const mostRemembered = 10_000

export type ClientDocumentsOptions = {
  readonly kernel: Kernel
  readonly clients: ClientRecords
  readonly egress: Egress
}
/** How a tenant's provider checks what it is about to serve. */
type Checks = Pick<TenantProvider, 'provider' | 'library' | 'settings'>
export type FindByDocument = (
  scope: RequestScope,
  clientId: string,
  checks: Checks,
) => Promise<ClientRecord | undefined>

/**
 * Clients that are known by a document at the address that is their id (draft-ietf-oauth-client-id-metadata-document-02). Each gets a
 * row like every other client, so that consent, the gate, epochs and an administrator's word hold for it too; the row follows the
 * document, as long as the rules let it be known.
 */
export function createClientDocuments(options: ClientDocumentsOptions): FindByDocument {
  const { kernel, clients } = options
  const asked = new WeakMap<RequestScope, Map<string, Promise<ClientRecord | undefined>>>()
  const fetched = new Map<
    string,
    { readonly reading: Promise<ClientDocument | DocumentFailure>; readonly until: number }
  >()
  // Errors are not remembered (§5.2 there); instead neither a caller nor a document has many fetches.
  const perCaller = createTokenBuckets({ burst: 60, perSecond: 0.5, capacity: mostRemembered })
  const perDocument = createTokenBuckets({ burst: 6, perSecond: 0.1, capacity: mostRemembered })
  const mayFetch = (key: string, { tenant, ip, now }: RequestScope): boolean =>
    perDocument.take(key, now) === 0 && perCaller.take(JSON.stringify([tenant.id, ip]), now) === 0

  const fetchOnce = (key: string, clientId: string, { settings, now }: { settings: OpenidSettings; now: number }) => {
    if (fetched.size >= mostRemembered) fetched.clear()
    const reading = readClientDocument(options.egress, clientId, settings.registration)
    fetched.set(key, { reading, until: now + sharedMilliseconds })
    return reading
  }

  const find = async (scope: RequestScope, clientId: string, checks: Checks): Promise<ClientRecord | undefined> => {
    const { tenant, now } = scope
    const host = documentHost(clientId) ?? ''
    const record = await clients.find(tenant.id, clientId)
    // What an administrator made or disabled, no document changes.
    if (record && record.origin !== 'document') return record
    if (!record && (await createClientStore(kernel.database, tenant.id).find(clientId))?.status === 'disabled')
      return undefined
    const { settings } = checks
    const listed = settings.clientDocumentHosts.includes(host)
    if (!(await mayRead(kernel, scope, { clientId, host, listed }))) return undefined
    const judge = (candidate: Candidate) =>
      isRegistrable(kernel, { scope, way: 'document', candidate, clientId, listed })
    const stored = record && (await freshnessOf(kernel, tenant.id, clientId))
    if (record && stored && stored.freshUntil > now) return (await judge(candidateOf(record))) ? record : undefined

    const key = JSON.stringify([tenant.id, clientId])
    const mayServeStale = async () =>
      record && stored && now - stored.fetchedAt < staleMilliseconds && (await judge(candidateOf(record)))
        ? record
        : undefined
    const shared = fetched.get(key)
    const isShared = shared !== undefined && shared.until > now
    if (!isShared && !mayFetch(key, scope)) return mayServeStale()
    const document = await (isShared ? shared.reading : fetchOnce(key, clientId, { settings, now }))
    if ('failure' in document) {
      fetched.delete(key)
      kernel.log.info({ tenant: tenant.id, clientId, why: document.why }, 'oidc: a client document was not taken')
      return document.failure === 'away' ? mayServeStale() : undefined
    }
    if (!(await judge(document.candidate))) return undefined
    if (!record && (await createRegistrations(kernel.database, tenant.id).isFull())) {
      kernel.log.warn({ tenant: tenant.id }, 'oidc: there are too many clients known by documents')
      return undefined
    }
    if (!(await isServable(options, scope, { clientId, document, checks }))) return undefined
    if (stored?.digest === document.digest && record) await refresh(kernel, scope, clientId, document)
    else await keep(kernel, scope, { clientId, document, isNew: record === undefined })
    return clients.find(tenant.id, clientId)
  }

  return (scope, clientId, checks) => {
    const known = asked.get(scope) ?? new Map<string, Promise<ClientRecord | undefined>>()
    asked.set(scope, known)
    const found = known.get(clientId)
    if (found) return found
    // Nobody waits for somebody's server with a transaction open.
    if (kernel.database.inTransaction()) return clients.find(scope.tenant.id, clientId)
    const finding = find(scope, clientId, checks)
    known.set(clientId, finding)
    return finding
  }
}

/** Whether any rule of the tenant, or its list of hosts, could let a document be read: discovery says just that. */
export const mayTakeDocuments = ({ rules }: Program, { clientDocumentHosts }: OpenidSettings): boolean =>
  clientDocumentHosts.length > 0 ||
  rules.some(
    ({ effect, layer, disabled, actions }) =>
      effect === 'allow' &&
      layer !== 'platform' &&
      !disabled &&
      actions.some(({ action }) => action === 'readClientDocument'),
  )

async function mayRead(
  kernel: Kernel,
  scope: RequestScope,
  context: { readonly clientId: string; readonly host: string; readonly listed: boolean },
): Promise<boolean> {
  const resource = entityOf('Tenant', scope.tenant.id)
  return (await kernel.decisions.decide(scope, { action: 'readClientDocument', resource, context })).decision
}

async function isRegistrable(kernel: Kernel, application: Parameters<typeof requireRegistrable>[1]): Promise<boolean> {
  return isTaken(kernel, application.clientId, () => requireRegistrable(kernel.decisions, application))
}

const isServable = (
  { kernel, egress }: ClientDocumentsOptions,
  scope: RequestScope,
  { clientId, document, checks }: { clientId: string; document: ClientDocument; checks: Checks },
): Promise<boolean> =>
  isTaken(kernel, clientId, async () => {
    requireServable(document.candidate)
    const detailTypes = detailTypesOf(scope.policy.program)
    await requireUsable(checks, { ...document.candidate, clientId, detailTypes }, egress)
  })

/** A no leaves the client unknown; which check failed is the administrator's to read, not the caller's. */
async function isTaken(kernel: Kernel, clientId: string | undefined, check: () => Promise<unknown>): Promise<boolean> {
  try {
    await check()
    return true
  } catch (error) {
    if (!(error instanceof Refusal) || error.kind.status >= 500) throw error
    kernel.log.info({ clientId, err: error }, 'oidc: a client document was refused')
    return false
  }
}

const candidateOf = ({ name, metadata }: ClientRecord): Candidate => ({
  name,
  metadata: clientMetadataSchema.parse(metadata),
})

async function freshnessOf({ database }: Kernel, tenantId: string, clientId: string) {
  const text = 'select digest, fetched_at, fresh_until from client_document where tenant_id = $1 and client_id = $2'
  const [row] = await database.query<{ digest: string; fetched_at: Date; fresh_until: Date }>(
    { name: 'client_document-find', text },
    [tenantId, clientId],
  )
  return row && { digest: row.digest, fetchedAt: row.fetched_at.getTime(), freshUntil: row.fresh_until.getTime() }
}

const putDocument = `insert into client_document (tenant_id, client_id, digest, fetched_at, fresh_until) values ($1, $2, $3, $4, $5)
on conflict (tenant_id, client_id) do update set digest = excluded.digest, fetched_at = excluded.fetched_at, fresh_until = excluded.fresh_until`

/** The same document again: nothing that anybody decides by has changed. */
async function refresh(
  { database }: Kernel,
  { tenant, now }: RequestScope,
  clientId: string,
  { digest, freshMilliseconds }: ClientDocument,
): Promise<void> {
  const values = [tenant.id, clientId, digest, new Date(now), new Date(now + freshMilliseconds)]
  await database.query({ name: 'client_document-put', text: putDocument }, values)
}

/** Row, document, audit row and event together; of several requests that bring the first document one writes. */
async function keep(
  kernel: Kernel,
  scope: RequestScope,
  { clientId, document, isNew }: { clientId: string; document: ClientDocument; isNew: boolean },
): Promise<void> {
  const { tenant, subject, requestId, ip } = scope
  const { name, metadata } = document.candidate
  const store = createClientStore(kernel.database, tenant.id)
  const client = entityOf('Client', clientId)
  await kernel.withTransaction({ tenantId: tenant.id, subject, requestId, ip }, async (unit) => {
    await kernel.database.query(
      { name: 'client_document-lock', text: 'select id from tenant where id = $1 for no key update' },
      [tenant.id],
    )
    const isThere = (await store.find(clientId)) !== undefined
    if (isThere && isNew) return unit.recordOnly()
    if (isThere) await store.update(unit, clientId, { name, metadata })
    else await store.create(unit, { id: clientId, name, metadata, firstParty: false, origin: 'document' }, undefined)
    await refresh(kernel, scope, clientId, document)
    const action = isThere ? 'oidc.client.updated' : 'oidc.client.registered'
    const detail = { way: 'document', redirectUris: metadata.redirectUris, scope: metadata.scope }
    unit.audit({ action, resource: client, detail })
    unit.emit(action, { clientId, ...detail })
  })
}

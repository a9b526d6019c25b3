// What the module does once a request is allowed: the order of bytes, quota and rows, so that nothing is half done.
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { type ObjectStore, ObjectStoreError } from '../../adapters/object-store/port.ts'
import {
  DatabaseError,
  edgeErrors,
  type Judgement,
  type Kernel,
  Refusal,
  type RequestScope,
} from '../../server/module.ts'
import type { StorageSettings } from './config.ts'
import { errors } from './errors.ts'
import { objectEvent } from './events.ts'
import { limits } from './limits.ts'
import { type Bucket, bucketEntity, entity, objectEntity, type StoredObject } from './model.ts'
import { type Conditions, judgeWriteConditions, readContentDigest } from './rules.ts'
import { openStorageStore, type StorageStore } from './store.ts'

/** What every action needs. */
export type Storage = {
  readonly kernel: Pick<
    Kernel,
    | 'clock'
    | 'config'
    | 'database'
    | 'decisions'
    | 'lists'
    | 'consistency'
    | 'secrets'
    | 'tenants'
    | 'withTransaction'
    | 'log'
  >
  readonly objects: ObjectStore
  readonly settings: StorageSettings
}

export type Upload = {
  readonly scope: RequestScope
  readonly judgement: Judgement
  readonly bucket: Bucket
  readonly key: string
  readonly contentType: string
  /** Announced by `Content-Length`; absent for a chunked body. */
  readonly size?: number
  readonly contentDigest: string | undefined
  readonly conditions: Conditions
  readonly stream: Readable
}

export type Uploaded = { readonly object: StoredObject; readonly created: boolean }

export const storeOf = (storage: Storage, scope: RequestScope): StorageStore =>
  openStorageStore(storage.kernel.database, scope.tenant.id)

/**
 * Receives one object. Quota is taken before the first byte, bytes are synced before the row says they exist, and whatever
 * goes wrong gives both back.
 */
export async function upload(storage: Storage, request: Upload): Promise<Uploaded> {
  const store = storeOf(storage, request.scope)
  const digest = readContentDigest(request.contentDigest)
  if (digest.kind === 'malformed') throw errors.digest_malformed()
  if ((request.size ?? 0) > storage.settings.maxObjectBytes) throw errors.too_large()
  await judgeEarly(storage, request, store)

  const incoming = await storage.objects.begin().catch(refuseStoreError)
  const id = `upl_${storage.kernel.secrets.token(16)}`
  const expiresAt = storage.kernel.clock.now() + limits.unfinishedHours * 3_600_000
  const reservation = {
    id,
    bucketId: request.bucket.id,
    physicalName: incoming.name,
    bytes: request.size ?? 0,
    expiresAt,
  }
  try {
    if (!(await store.reserve(reservation))) throw errors.quota_exceeded()
    const received = await receive(storage, store, request, { id, write: incoming.write })
    if (digest.kind === 'sha256' && digest.hex !== received.sha256) throw errors.digest_mismatch()
    // The size of a chunked body is known only now; rules about it are asked before anything counts.
    if (request.size === undefined) await judgeUpload(storage, request, received.size)
    await incoming.commit()
    return await commitRows(storage, store, request, { uploadId: id, physicalName: incoming.name, ...received })
  } catch (error) {
    // A commit whose answer was lost may have happened: its file stays, and the sweep takes it if no row mentions it.
    if (isUncertain(error)) {
      await incoming.leave()
    } else {
      await incoming.abort()
      await store.release(id)
    }
    return refuseStoreError(error)
  }
}

/** What would be refused at the end is refused before the body is read. */
async function judgeEarly(storage: Storage, request: Upload, store: StorageStore): Promise<void> {
  const existing = await store.findObject(request.bucket.id, request.key)
  requireConditions(request.conditions, existing)
  if (existing) await judgeReplace(storage, request, existing)
}

async function judgeReplace(storage: Storage, request: Upload, existing: StoredObject): Promise<void> {
  await storage.kernel.decisions.authorize(request.scope, {
    action: 'replace',
    resource: entity('StoredObject', existing.id),
    entities: [objectEntity(existing), bucketEntity(request.bucket)],
  })
}

async function judgeUpload(storage: Storage, request: Upload, size: number): Promise<void> {
  await storage.kernel.decisions.authorize(request.scope, {
    action: 'upload',
    resource: entity('Bucket', request.bucket.id),
    context: { size, contentType: request.contentType, key: request.key },
    entities: [bucketEntity(request.bucket)],
  })
}

function requireConditions(conditions: Conditions, existing: StoredObject | undefined): void {
  const answer = judgeWriteConditions(conditions, existing?.sha256)
  if (answer === 'malformed') throw errors.condition_malformed()
  if (answer === 'fails') throw edgeErrors.version_conflict()
}

type Received = { readonly size: number; readonly sha256: string }

async function receive(
  storage: Storage,
  store: StorageStore,
  request: Upload,
  target: { readonly id: string; readonly write: (chunk: Uint8Array) => Promise<void> },
): Promise<Received> {
  const hash = createHash('sha256')
  let size = 0
  let reserved = request.size ?? 0
  // The request must outlive an early refusal, or the caller sees a broken connection and never the reason.
  const chunks: AsyncIterable<Uint8Array> = request.stream.iterator({ destroyOnReturn: false })
  for await (const chunk of chunks) {
    size += chunk.byteLength
    if (size > storage.settings.maxObjectBytes) throw errors.too_large()
    if (request.size !== undefined && size > request.size) throw errors.upload_incomplete()
    if (size > reserved) reserved += await reserveMore(store, target.id, size - reserved)
    hash.update(chunk)
    await target.write(chunk)
  }
  if (request.size !== undefined && size !== request.size) throw errors.upload_incomplete()
  return { size, sha256: hash.digest('hex') }
}

/** Takes a step at a time, and near the end of the quota exactly what is needed. */
async function reserveMore(store: StorageStore, uploadId: string, needed: number): Promise<number> {
  const step = Math.max(needed, limits.reservationStepBytes)
  if (await store.extend(uploadId, step)) return step
  if (step > needed && (await store.extend(uploadId, needed))) return needed
  throw errors.quota_exceeded()
}

async function commitRows(
  storage: Storage,
  store: StorageStore,
  request: Upload,
  received: Received & { readonly uploadId: string; readonly physicalName: string },
): Promise<Uploaded> {
  const { scope, bucket, key, contentType } = request
  const { kernel } = storage
  const now = kernel.clock.now()
  const { value } = await kernel.withTransaction(actorOf(scope, request.judgement), async (unit) => {
    // ORDER: settling locks the bucket's row, so what `findObject` answers stays true until the commit.
    if (!(await store.settle(received.uploadId, received.size))) throw errors.upload_incomplete()
    const existing = await store.findObject(bucket.id, key)
    requireConditions(request.conditions, existing)
    if (existing) await judgeReplace(storage, request, existing)
    const object: StoredObject = {
      id: existing?.id ?? `obj_${kernel.secrets.token(16)}`,
      bucketId: bucket.id,
      key,
      owner: existing?.owner ?? scope.subject,
      contentType,
      size: received.size,
      sha256: received.sha256,
      physicalName: received.physicalName,
      createdAt: existing?.createdAt ?? now,
      updatedAt: now,
    }
    const versionId = `ver_${kernel.secrets.token(16)}`
    if (existing) await store.replaceContent(object, versionId)
    else await store.insertObject(object, versionId)
    unit.audit({
      action: existing ? 'replace' : 'upload',
      resource: entity('StoredObject', object.id),
      detail: { bucket: bucket.id, size: object.size },
    })
    unit.emit(...objectEvent(existing ? 'storage.object.replaced' : 'storage.object.created', object, scope))
    return { object, created: !existing }
  })
  return value
}

/** Bytes of an object; the row was judged before. */
export async function openObject(
  storage: Storage,
  object: StoredObject,
  range?: { readonly start: number; readonly end: number },
): Promise<Readable> {
  return storage.objects.read(object.physicalName, range).catch(refuseStoreError)
}

/** Hides the object; its bytes stay for `limits.removedDays` and count until then. */
export async function removeObject(
  storage: Storage,
  scope: RequestScope,
  object: StoredObject,
  judgement: Judgement,
): Promise<void> {
  const store = storeOf(storage, scope)
  await storage.kernel.withTransaction(actorOf(scope, judgement), async (unit) => {
    // The content that was judged is the one removed; if somebody replaced it meanwhile, the caller asks again.
    const removed = await store.removeObject(object.id, object.sha256, storage.kernel.clock.now())
    if (!removed) throw errors.object_gone()
    unit.audit({ action: 'remove', resource: entity('StoredObject', object.id), detail: { bucket: object.bucketId } })
    unit.emit(...objectEvent('storage.object.removed', object, scope))
  })
}

export async function createBucket(
  storage: Storage,
  scope: RequestScope,
  bucket: Bucket,
  judgement: Judgement,
): Promise<void> {
  const store = storeOf(storage, scope)
  await storage.kernel.withTransaction(actorOf(scope, judgement), async (unit) => {
    if (!(await store.insertBucket(bucket))) throw errors.bucket_exists()
    unit.audit({
      action: 'createBucket',
      resource: entity('Bucket', bucket.id),
      detail: { organization: bucket.organizationId },
    })
  })
}

const actorOf = (scope: RequestScope, judgement: Judgement) => ({
  tenantId: scope.tenant.id,
  subject: scope.subject,
  requestId: scope.requestId,
  ip: scope.ip,
  decisionId: judgement.id,
})

const isUncertain = (error: unknown): boolean =>
  error instanceof DatabaseError && (error.kind === 'unavailable' || error.kind === 'timeout')

/** Throws what the caller is told of a failure of the bytes' store; everything else as it is. */
function refuseStoreError(error: unknown): never {
  if (error instanceof Refusal || !(error instanceof ObjectStoreError)) throw error
  if (error.kind === 'full') throw errors.storage_full({ cause: error })
  throw errors.storage_unavailable({ cause: error, headers: { 'retry-after': '5' } })
}

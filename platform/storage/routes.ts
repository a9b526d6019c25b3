import { Readable } from 'node:stream'
import { z } from 'zod'
import {
  defaultOrganizationId,
  edgeErrors,
  type JsonValue,
  type ListedRow,
  type Reply,
  type RequestScope,
  type Route,
  type RouteInput,
  type RowPage,
  route,
  type Target,
} from '../../server/module.ts'
import { createBucket, openObject, removeObject, type Storage, storeOf, upload } from './actions.ts'
import { errors } from './errors.ts'
import { limits } from './limits.ts'
import { listBuckets, listObjects } from './list-page.ts'
import { type Bucket, bucketEntity, entity, objectEntity, type StoredObject } from './model.ts'
import {
  allowsPart,
  bucketName,
  dispositionOf,
  hasContent,
  judgeWriteConditions,
  keyProblem,
  readContentType,
  readRange,
} from './rules.ts'
import { bucketView, objectView } from './views.ts'

const bucketBody = z.strictObject({
  id: z.string().regex(bucketName),
  organization: z.string().min(1).max(128).default(defaultOrganizationId),
  quotaBytes: z.int().min(0).max(limits.quotaBytesMaximum).optional(),
  publicRead: z.boolean().default(false),
})
const page = {
  limit: z.coerce.number().int().min(1).max(limits.pageSizeMaximum).default(limits.pageSize),
  cursor: z.string().max(8192).optional(),
}
const bucketQuery = z.strictObject({ ...page, organization: z.string().max(128).default(defaultOrganizationId) })
const objectQuery = z.strictObject({ ...page, prefix: z.string().max(limits.keyBytes).default('') })
const bucketShape = z.object({
  id: z.string(),
  organization: z.string().optional(),
  quotaBytes: z.int().optional(),
  usedBytes: z.int().optional(),
  publicRead: z.boolean().optional(),
})
const objectShape = z.object({
  id: z.string(),
  key: z.string().optional(),
  contentType: z.string().optional(),
  size: z.int().optional(),
  sha256: z.string().optional(),
})

/** The rows of the table; in development each answer names the rules that allowed it. */
export const routes = (storage: Storage): readonly Route<never, never>[] =>
  storage.kernel.config.profile === 'development' ? table(storage).map(explained) : table(storage)

/** THE TABLE of this module: method, path, action, resource, handler. */
const table = (storage: Storage): readonly Route<never, never>[] => [
  route({
    method: 'GET',
    path: '/buckets',
    summary: 'Buckets of an organization that the caller may read',
    action: 'listBuckets',
    resourceType: 'Organization',
    query: bucketQuery,
    resource: ({ query }) => ({ resource: entity('Organization', query.organization) }),
    responds: z.object({ items: z.array(bucketShape), nextCursor: z.string().optional() }),
    refuses: ['invalid_cursor', 'list_withheld', 'decision_unavailable'],
    async handle({ scope, query }) {
      const found = await listBuckets(storage, scope, query)
      return pageReply(storage, scope, found, ({ row, fields }) => bucketView(row, fields))
    },
  }),
  route({
    method: 'POST',
    path: '/buckets',
    summary: 'Create a bucket',
    action: 'createBucket',
    resourceType: 'Organization',
    body: bucketBody,
    resource: ({ body }) => ({ resource: entity('Organization', body.organization) }),
    successStatus: 201,
    responds: bucketShape,
    refuses: ['bucket_exists', 'organization_not_found'],
    async handle({ scope, body }, judgement) {
      if (!(await storeOf(storage, scope).hasOrganization(body.organization))) throw errors.organization_not_found()
      const bucket: Bucket = {
        id: body.id,
        organizationId: body.organization,
        quotaBytes: body.quotaBytes ?? storage.settings.defaultQuotaBytes,
        usedBytes: 0,
        publicRead: body.publicRead,
        createdAt: storage.kernel.clock.now(),
      }
      await createBucket(storage, scope, bucket, judgement)
      return { body: bucketView(bucket, 'all') }
    },
  }),
  route({
    method: 'GET',
    path: '/buckets/:bucket',
    summary: 'One bucket',
    action: 'read',
    resourceType: 'Bucket',
    resource: (input) => bucketTarget(storage, input),
    responds: bucketShape,
    async handle(input, judgement) {
      return { body: bucketView(await requireBucket(storage, input), judgement.fields) }
    },
  }),
  route({
    method: 'GET',
    path: '/buckets/:bucket/objects',
    summary: 'Objects of a bucket that the caller may read, in order of keys',
    action: 'list',
    resourceType: 'Bucket',
    query: objectQuery,
    resource: (input) => bucketTarget(storage, input),
    responds: z.object({ items: z.array(objectShape), nextCursor: z.string().optional() }),
    refuses: ['invalid_cursor', 'list_withheld', 'decision_unavailable'],
    async handle(input) {
      const found = await listObjects(storage, input.scope, await requireBucket(storage, input), input.query)
      return pageReply(storage, input.scope, found, ({ row, fields }) => objectView(row, fields))
    },
  }),
  route({
    method: 'PUT',
    path: '/buckets/:bucket/objects/*key',
    summary: 'Store an object: new, or a new version of what is there',
    action: 'upload',
    resourceType: 'Bucket',
    stream: true,
    resource(input) {
      requireKey(input)
      return bucketTarget(storage, input)
    },
    context: (input) => ({ size: announcedSize(input) ?? 0, contentType: declaredType(input), key: requireKey(input) }),
    responds: objectShape,
    refuses: [
      'invalid_key',
      'too_large',
      'quota_exceeded',
      'digest_mismatch',
      'digest_malformed',
      'version_conflict',
      'condition_malformed',
      'upload_incomplete',
      'storage_full',
      'storage_unavailable',
    ],
    async handle(input, judgement) {
      const size = announcedSize(input)
      const { object, created } = await upload(storage, {
        scope: input.scope,
        judgement,
        bucket: await requireBucket(storage, input),
        key: requireKey(input),
        contentType: declaredType(input),
        ...(size === undefined ? {} : { size }),
        contentDigest: input.headers['content-digest'],
        conditions: conditionsOf(input),
        stream: input.stream,
      })
      // What the caller sent itself; whether it may read what is stored is another question.
      const body = {
        id: object.id,
        key: object.key,
        contentType: object.contentType,
        size: object.size,
        sha256: object.sha256,
      }
      return { status: created ? 201 : 200, headers: { etag: `"${object.sha256}"` }, body }
    },
  }),
  ...(['GET', 'HEAD'] as const).map((method) =>
    route({
      method,
      path: '/buckets/:bucket/objects/*key',
      summary: method === 'GET' ? 'Bytes of an object, whole or one range' : 'Facts about an object in headers',
      action: 'read',
      resourceType: 'StoredObject',
      resource: (input) => objectTarget(storage, input, 'read'),
      refuses: ['invalid_key', 'range_not_satisfiable', 'version_conflict', 'object_gone', 'storage_unavailable'],
      handle: async (input, judgement) =>
        readReply(storage, input, await requireObject(storage, input), method === 'HEAD', judgement.fields ?? []),
    }),
  ),
  route({
    method: 'DELETE',
    path: '/buckets/:bucket/objects/*key',
    summary: 'Remove an object; it can be restored for 30 days',
    action: 'remove',
    resourceType: 'StoredObject',
    resource: (input) => objectTarget(storage, input, 'remove'),
    refuses: ['invalid_key', 'version_conflict', 'condition_malformed', 'object_gone'],
    async handle(input, judgement) {
      const object = await requireObject(storage, input)
      requireHolds(input, object)
      await removeObject(storage, input.scope, object, judgement)
      return { status: 204 }
    },
  }),
]

const explained = (row: Route<never, never>): Route<never, never> => ({
  ...row,
  async handle(input, judgement) {
    const reply = await row.handle(input, judgement)
    const rules = judgement.reasons.map(encodeURIComponent).join(' ')
    return { ...reply, headers: { ...reply.headers, 'writ-rules': rules } }
  },
})

type Input = Pick<RouteInput, 'scope' | 'params' | 'headers'>

/** A missing bucket is decided on the tenant: who may not see which buckets exist gets the 403 of a forbidden one. */
async function bucketTarget(storage: Storage, input: Input): Promise<Target> {
  const bucket = await findBucket(storage, input)
  if (bucket) return { resource: entity('Bucket', bucket.id), entities: [bucketEntity(bucket)] }
  return { missing: true, decideOn: entity('Tenant', input.scope.tenant.id), action: 'listBuckets' }
}

/**
 * A missing object is decided on its bucket (`list`). So is a forbidden one whose bucket the caller may not list either:
 * otherwise the two refusals could differ by a rule's text and tell that the object exists.
 */
async function objectTarget(storage: Storage, input: Input, action: string): Promise<Target> {
  const key = requireKey(input)
  const bucket = await findBucket(storage, input)
  if (!bucket) return { missing: true, decideOn: entity('Tenant', input.scope.tenant.id), action: 'listBuckets' }
  const parent = bucketEntity(bucket)
  const missing: Target = { missing: true, decideOn: entity('Bucket', bucket.id), action: 'list', entities: [parent] }
  const object = await storeOf(storage, input.scope).findObject(bucket.id, key)
  if (!object) return missing
  const found = { resource: entity('StoredObject', object.id), entities: [objectEntity(object), parent] }
  const { decisions } = storage.kernel
  if ((await decisions.decide(input.scope, { action, ...found })).decision) return found
  const listing = { action: 'list', resource: missing.decideOn, entities: [parent] }
  return (await decisions.decide(input.scope, listing)).decision ? found : missing
}

/** Says by what the page was judged: which rules, and at least which state. */
const pageReply = <Row>(
  { kernel }: Storage,
  { tenant }: RequestScope,
  { items, nextCursor, version, position }: RowPage<Row>,
  view: (listed: ListedRow<Row>) => JsonValue,
): Reply => ({
  body: { items: items.map(view), ...(nextCursor === undefined ? {} : { nextCursor }) },
  headers: { 'writ-policy-version': version, 'writ-consistency': kernel.consistency.of(tenant.id, position) },
})

async function readReply(
  storage: Storage,
  input: Input,
  object: StoredObject,
  isHead: boolean,
  fields: readonly string[],
): Promise<Reply> {
  requireHolds(input, object, { onlyIfMatch: true })
  const headers = {
    etag: `"${object.sha256}"`,
    'accept-ranges': 'bytes',
    // The caller may keep it, and asks each time whether it still may read it.
    'cache-control': 'private, no-cache',
    'last-modified': new Date(object.updatedAt).toUTCString(),
  }
  if (hasContent(input.headers['if-none-match'], object.sha256)) return { status: 304, headers }
  const canPart = !isHead && allowsPart(input.headers['if-range'], object.sha256)
  const range = readRange(canPart ? input.headers.range : undefined, object.size)
  if (range.kind === 'unsatisfiable')
    throw errors.range_not_satisfiable({ headers: { 'content-range': `bytes */${object.size}` } })
  const contentType = fields.includes('contentType') ? object.contentType : 'application/octet-stream'
  const length = range.kind === 'part' ? range.end - range.start + 1 : object.size
  const whole = {
    ...headers,
    'content-type': contentType,
    'content-length': String(length),
    'content-disposition': dispositionOf(object.key, contentType),
    // A stored page must not act in the name of this origin, also where a browser shows it (security.md row 13).
    'content-security-policy': "sandbox; default-src 'none'",
    'x-content-type-options': 'nosniff',
  }
  if (isHead || object.size === 0) return { status: 200, headers: whole, body: Readable.from([]) }
  if (range.kind === 'whole') return { status: 200, headers: whole, body: await openObject(storage, object) }
  const contentRange = `bytes ${range.start}-${range.end}/${object.size}`
  return {
    status: 206,
    headers: { ...whole, 'content-range': contentRange },
    body: await openObject(storage, object, range),
  }
}

const findBucket = (storage: Storage, { scope, params }: Input): Promise<Bucket | undefined> =>
  bucketName.test(params.bucket ?? '')
    ? storeOf(storage, scope).findBucket(params.bucket ?? '')
    : Promise.resolve(undefined)

/** Found again after the decision; gone only if it went in between. */
async function requireBucket(storage: Storage, input: Input): Promise<Bucket> {
  const bucket = await findBucket(storage, input)
  if (!bucket) throw errors.object_gone()
  return bucket
}

async function requireObject(storage: Storage, input: Input): Promise<StoredObject> {
  const object = await storeOf(storage, input.scope).findObject(input.params.bucket ?? '', requireKey(input))
  if (!object) throw errors.object_gone()
  return object
}

function requireKey({ params }: Input): string {
  const key = params.key ?? ''
  const problem = keyProblem(key)
  if (problem) throw errors.invalid_key({ members: { errors: [{ pointer: '/key', code: problem }] } })
  return key
}

const conditionsOf = ({ headers }: Input) => ({ ifMatch: headers['if-match'], ifNoneMatch: headers['if-none-match'] })

function requireHolds(input: Input, object: StoredObject, options = { onlyIfMatch: false }): void {
  const { ifMatch, ifNoneMatch } = conditionsOf(input)
  const answer = judgeWriteConditions(options.onlyIfMatch ? { ifMatch } : { ifMatch, ifNoneMatch }, object.sha256)
  if (answer === 'malformed') throw errors.condition_malformed()
  if (answer === 'fails') throw edgeErrors.version_conflict()
}

function announcedSize({ headers }: Input): number | undefined {
  if (headers['transfer-encoding'] !== undefined) return undefined
  return Number(headers['content-length'] ?? 0)
}

const declaredType = ({ headers }: Input): string => readContentType(headers['content-type'])

import type { Database } from '../../server/module.ts'
import { type Bucket, entity, type StoredObject } from './model.ts'

/** Rows of one tenant; it cannot name another one's. Writes join the current transaction. */
export type StorageStore = {
  findBucket(id: string): Promise<Bucket | undefined>
  hasOrganization(id: string): Promise<boolean>
  /** False if a bucket of this name exists. */
  insertBucket(bucket: Bucket): Promise<boolean>
  findObject(bucketId: string, key: string): Promise<StoredObject | undefined>
  /** Takes `upload.bytes` of the bucket's quota; false if there is no room. Never oversold, however many ask at once. */
  reserve(upload: Reservation): Promise<boolean>
  extend(uploadId: string, bytes: number): Promise<boolean>
  /** Gives back what the upload holds; does nothing if it is settled or released. */
  release(uploadId: string): Promise<void>
  /** Turns the reservation into used bytes; locks the bucket, so that commits of one bucket follow one another. */
  settle(uploadId: string, size: number): Promise<boolean>
  insertObject(object: StoredObject, versionId: string): Promise<void>
  replaceContent(object: StoredObject, versionId: string): Promise<void>
  /** False if it is not there any more or its content is no longer `sha256`. */
  removeObject(id: string, sha256: string, at: number): Promise<boolean>
  /** Uploads that nobody finishes any more: all, or those that expired before `before`. */
  deadUploads(
    before: number | undefined,
    limit: number,
  ): Promise<{ readonly id: string; readonly physicalName: string }[]>
  /** Forgets versions superseded and objects removed before `before`, gives their bytes back, answers their files. */
  purge(before: number, limit: number): Promise<string[]>
}

export type Reservation = {
  readonly id: string
  readonly bucketId: string
  readonly physicalName: string
  readonly bytes: number
  readonly expiresAt: number
}

export type BucketRow = {
  id: string
  organization_id: string
  quota_bytes: string
  used_bytes: string
  public_read: boolean
  created_at: Date
}
export type ObjectRow = {
  id: string
  bucket_id: string
  key: string
  owner_type: string
  owner_id: string
  content_type: string
  size: string
  sha256: string
  physical_name: string
  created_at: Date
  updated_at: Date
}

export const bucketColumns = 'id, organization_id, quota_bytes, used_bytes, public_read, created_at'
export const objectColumns =
  'id, bucket_id, key, owner_type, owner_id, content_type, size, sha256, physical_name, created_at, updated_at'

export function openStorageStore(database: Database, tenantId: string): StorageStore {
  const query = <Row extends object>(name: string, text: string, values: readonly unknown[]): Promise<Row[]> =>
    database.query<Row>({ name: `storage_${name}`, text }, [tenantId, ...values])
  return { ...bucketQueries(query), ...objectQueries(query), ...quotaQueries(query), ...sweepQueries(query) }
}

/** Names the sweep must not take: `names` that some tenant's row mentions. The one question that is not of one tenant. */
export async function referencedNames(database: Database, names: readonly string[]): Promise<Set<string>> {
  const rows = await database.query<{ physical_name: string }>(
    {
      name: 'storage_referenced',
      text: `select physical_name from storage_version where physical_name = any($1)
             union all select physical_name from storage_upload where physical_name = any($1)`,
    },
    [names],
  )
  return new Set(rows.map((row) => row.physical_name))
}

/** `$1` is the tenant in every statement. */
type Query = <Row extends object>(name: string, text: string, values: readonly unknown[]) => Promise<Row[]>

function bucketQueries(query: Query): Pick<StorageStore, 'findBucket' | 'hasOrganization' | 'insertBucket'> {
  return {
    async findBucket(id) {
      const text = `select ${bucketColumns} from storage_bucket where tenant_id = $1 and id = $2`
      const [row] = await query<BucketRow>('find_bucket', text, [id])
      return row && readBucket(row)
    },
    async hasOrganization(id) {
      const rows = await query('organization', 'select 1 as found from organization where tenant_id = $1 and id = $2', [
        id,
      ])
      return rows.length > 0
    },
    async insertBucket(bucket) {
      const text = `insert into storage_bucket (tenant_id, id, organization_id, quota_bytes, public_read, created_at)
        values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning id`
      const { id, organizationId, quotaBytes, publicRead, createdAt } = bucket
      const rows = await query('insert_bucket', text, [id, organizationId, quotaBytes, publicRead, time(createdAt)])
      return rows.length > 0
    },
  }
}

type ObjectQueries = 'findObject' | 'insertObject' | 'replaceContent' | 'removeObject'

function objectQueries(query: Query): Pick<StorageStore, ObjectQueries> {
  const insertVersion = (object: StoredObject, versionId: string) =>
    query(
      'insert_version',
      `insert into storage_version (tenant_id, id, object_id, bucket_id, physical_name, size, sha256, content_type, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        versionId,
        object.id,
        object.bucketId,
        object.physicalName,
        object.size,
        object.sha256,
        object.contentType,
        time(object.updatedAt),
      ],
    )
  return {
    async findObject(bucketId, key) {
      const text = `select ${objectColumns} from storage_object
        where tenant_id = $1 and bucket_id = $2 and key = $3 and removed_at is null`
      const [row] = await query<ObjectRow>('find_object', text, [bucketId, key])
      return row && readObject(row)
    },
    async insertObject(object, versionId) {
      await query(
        'insert_object',
        `insert into storage_object (tenant_id, id, bucket_id, key, owner_type, owner_id, version_id, content_type, size,
          sha256, physical_name, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
        [
          object.id,
          object.bucketId,
          object.key,
          object.owner.type,
          object.owner.id,
          versionId,
          object.contentType,
          object.size,
          object.sha256,
          object.physicalName,
          time(object.createdAt),
          time(object.updatedAt),
        ],
      )
      await insertVersion(object, versionId)
    },
    async replaceContent(object, versionId) {
      await query(
        'supersede',
        `update storage_version set superseded_at = $3 where tenant_id = $1 and object_id = $2 and superseded_at is null`,
        [object.id, time(object.updatedAt)],
      )
      await query(
        'replace_content',
        `update storage_object set version_id = $3, content_type = $4, size = $5, sha256 = $6, physical_name = $7,
          updated_at = $8 where tenant_id = $1 and id = $2`,
        [
          object.id,
          versionId,
          object.contentType,
          object.size,
          object.sha256,
          object.physicalName,
          time(object.updatedAt),
        ],
      )
      await insertVersion(object, versionId)
    },
    async removeObject(id, sha256, at) {
      const text = `update storage_object set removed_at = $4
        where tenant_id = $1 and id = $2 and sha256 = $3 and removed_at is null returning id`
      return (await query('remove_object', text, [id, sha256, time(at)])).length > 0
    },
  }
}

function quotaQueries(query: Query): Pick<StorageStore, 'reserve' | 'extend' | 'release' | 'settle'> {
  // One statement each: the row lock of the update serialises them, and PostgreSQL judges the WHERE again after waiting.
  return {
    async reserve({ id, bucketId, physicalName, bytes, expiresAt }) {
      const text = `with room as (
          update storage_bucket set reserved_bytes = reserved_bytes + $5::bigint
          where tenant_id = $1 and id = $3 and used_bytes + reserved_bytes + $5::bigint <= quota_bytes returning id)
        insert into storage_upload (tenant_id, id, bucket_id, physical_name, reserved_bytes, expires_at)
        select $1, $2, room.id, $4, $5::bigint, $6 from room returning id`
      return (await query('reserve', text, [id, bucketId, physicalName, bytes, time(expiresAt)])).length > 0
    },
    async extend(uploadId, bytes) {
      const text = `with room as (
          update storage_bucket b set reserved_bytes = b.reserved_bytes + $3::bigint from storage_upload u
          where u.tenant_id = $1 and u.id = $2 and b.tenant_id = $1 and b.id = u.bucket_id
            and b.used_bytes + b.reserved_bytes + $3::bigint <= b.quota_bytes returning b.id)
        update storage_upload u set reserved_bytes = u.reserved_bytes + $3::bigint from room
        where u.tenant_id = $1 and u.id = $2 returning u.id`
      return (await query('extend', text, [uploadId, bytes])).length > 0
    },
    async release(uploadId) {
      const text = `with gone as (
          delete from storage_upload where tenant_id = $1 and id = $2 returning bucket_id, reserved_bytes)
        update storage_bucket b set reserved_bytes = b.reserved_bytes - gone.reserved_bytes from gone
        where b.tenant_id = $1 and b.id = gone.bucket_id`
      await query('release', text, [uploadId])
    },
    async settle(uploadId, size) {
      const text = `with gone as (
          delete from storage_upload where tenant_id = $1 and id = $2 and reserved_bytes >= $3::bigint
          returning bucket_id, reserved_bytes)
        update storage_bucket b set reserved_bytes = b.reserved_bytes - gone.reserved_bytes, used_bytes = b.used_bytes + $3::bigint
        from gone where b.tenant_id = $1 and b.id = gone.bucket_id returning b.id`
      return (await query('settle', text, [uploadId, size])).length > 0
    },
  }
}

function sweepQueries(query: Query): Pick<StorageStore, 'deadUploads' | 'purge'> {
  return {
    async deadUploads(before, limit) {
      const text = `select id, physical_name from storage_upload
        where tenant_id = $1 and ($2::timestamptz is null or expires_at < $2) limit $3`
      const values = [before === undefined ? null : time(before), limit]
      const rows = await query<{ id: string; physical_name: string }>('dead_uploads', text, values)
      return rows.map((row) => ({ id: row.id, physicalName: row.physical_name }))
    },
    async purge(before, limit) {
      const text = `with gone as (
          delete from storage_version where (tenant_id, id) in (
            select v.tenant_id, v.id from storage_version v join storage_object o on o.tenant_id = v.tenant_id and o.id = v.object_id
            where v.tenant_id = $1 and (v.superseded_at < $2 or o.removed_at < $2) limit $3)
          returning bucket_id, physical_name, size),
        freed as (select bucket_id, sum(size) as bytes from gone group by bucket_id),
        room as (update storage_bucket b set used_bytes = b.used_bytes - freed.bytes from freed
          where b.tenant_id = $1 and b.id = freed.bucket_id)
        select physical_name from gone`
      const rows = await query<{ physical_name: string }>('purge_versions', text, [time(before), limit])
      await query(
        'purge_objects',
        `delete from storage_object o where o.tenant_id = $1 and o.removed_at < $2
          and not exists (select 1 from storage_version v where v.tenant_id = $1 and v.object_id = o.id)`,
        [time(before)],
      )
      return rows.map((row) => row.physical_name)
    },
  }
}

const time = (milliseconds: number): string => new Date(milliseconds).toISOString()

export const readBucket = (row: BucketRow): Bucket => ({
  id: row.id,
  organizationId: row.organization_id,
  quotaBytes: Number(row.quota_bytes),
  usedBytes: Number(row.used_bytes),
  publicRead: row.public_read,
  createdAt: row.created_at.getTime(),
})

export const readObject = (row: ObjectRow): StoredObject => ({
  id: row.id,
  bucketId: row.bucket_id,
  key: row.key,
  owner: entity(row.owner_type, row.owner_id),
  contentType: row.content_type,
  size: Number(row.size),
  sha256: row.sha256,
  physicalName: row.physical_name,
  createdAt: row.created_at.getTime(),
  updatedAt: row.updated_at.getTime(),
})

import type { EntityBinding } from '../../server/module.ts'

/** Where `Bucket` and `StoredObject` live; the columns behind the attributes that `model.ts` gives to decisions. */
export const bindings: readonly EntityBinding[] = [
  {
    type: 'Bucket',
    table: 'storage_bucket',
    idColumn: 'id',
    attributes: {
      organization: 'organization_id',
      quotaBytes: 'quota_bytes',
      usedBytes: 'used_bytes',
      publicRead: 'public_read',
    },
  },
  {
    type: 'StoredObject',
    table: 'storage_object',
    idColumn: 'id',
    attributes: {
      bucket: 'bucket_id',
      owner: { column: 'owner_id', typeColumn: 'owner_type' },
      key: 'key',
      contentType: 'content_type',
      size: 'size',
      sha256: 'sha256',
      createdAt: 'created_at',
      updatedAt: 'updated_at',
    },
  },
]

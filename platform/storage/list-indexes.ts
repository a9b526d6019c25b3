import type { Migration } from '../../server/module.ts'

/** Lists by the rules that come down to a column: whose objects they are, and the buckets of an organization by name. */
export const listIndexes: Migration = {
  id: '0101-storage-lists',
  async up(run) {
    await run(
      `create index storage_object_owner on storage_object (tenant_id, owner_id, owner_type) where removed_at is null`,
    )
    await run(`create index storage_bucket_organization on storage_bucket (tenant_id, organization_id, id collate "C")`)
  },
}

import { type Migration, tenantWall } from '../../server/module.ts'

// Keys compare by code point (collate "C"), so that a page of a list means the same to the database and to a cursor.
// `upload` rows hold quota for bytes on their way; what they hold is in `storage_bucket.reserved_bytes` too.
const tables = `
create table storage_bucket (
  tenant_id text not null references tenant (id) on delete cascade,
  id text not null,
  organization_id text not null,
  quota_bytes bigint not null check (quota_bytes >= 0),
  used_bytes bigint not null default 0 check (used_bytes >= 0),
  reserved_bytes bigint not null default 0 check (reserved_bytes >= 0),
  public_read boolean not null default false,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, organization_id) references organization (tenant_id, id)
);
create table storage_object (
  tenant_id text not null,
  id text not null,
  bucket_id text not null,
  key text collate "C" not null,
  owner_type text not null check (owner_type in ('User', 'Client')),
  owner_id text not null,
  version_id text not null,
  content_type text not null,
  size bigint not null,
  sha256 text not null,
  physical_name text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  removed_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, bucket_id) references storage_bucket (tenant_id, id)
);
create unique index storage_object_key on storage_object (tenant_id, bucket_id, key) where removed_at is null;
create index storage_object_removed on storage_object (tenant_id, removed_at) where removed_at is not null;
create table storage_version (
  tenant_id text not null,
  id text not null,
  object_id text not null,
  bucket_id text not null,
  physical_name text not null unique,
  size bigint not null,
  sha256 text not null,
  content_type text not null,
  created_at timestamptz not null,
  superseded_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, object_id) references storage_object (tenant_id, id) on delete cascade
);
create index storage_version_object on storage_version (tenant_id, object_id);
create index storage_version_superseded on storage_version (tenant_id, superseded_at) where superseded_at is not null;
create table storage_upload (
  tenant_id text not null,
  id text not null,
  bucket_id text not null,
  physical_name text not null unique,
  reserved_bytes bigint not null,
  expires_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, bucket_id) references storage_bucket (tenant_id, id)
);
create index storage_upload_expiry on storage_upload (tenant_id, expires_at);
`

export const schema: Migration = {
  id: '0100-storage',
  async up(run) {
    await run(tables)
    for (const table of ['storage_bucket', 'storage_object', 'storage_version', 'storage_upload'])
      await run(tenantWall(table))
  },
}

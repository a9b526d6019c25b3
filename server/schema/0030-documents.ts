import type { Migration } from '../../adapters/database/port.ts'
import { tenantWall } from './0001-foundation.ts'

// What was made from a document, under the document's name: so that a later set finds the same account by name, and that
// pruning deletes only what documents made.
export const documentNames: Migration = {
  id: '0030-documents',
  async up(run) {
    await run(`
create table document_name (
  tenant_id text not null references tenant (id) on delete cascade,
  kind text not null,
  name text not null,
  target jsonb not null,
  primary key (tenant_id, kind, name)
);
${tenantWall('document_name')}`)
  },
}

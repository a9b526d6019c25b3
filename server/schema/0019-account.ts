import type { Migration } from '../../adapters/database/port.ts'

// What a person is shown of its own: by which browser and from where a session was begun, when it was last used (to the minute, as
// the row is written), and its own rows of the trail. Sessions from before say nothing of it.
const changes = `
alter table oidc_session
  add column agent text,
  add column ip text,
  add column used_at timestamptz;
create index audit_event_person on audit_event (tenant_id, resource_id, id desc) where resource_type = 'User';
`

export const accountTables: Migration = {
  id: '0019-account',
  async up(run) {
    await run(changes)
  },
}

// What each flow writes, counted by triggers on every table: no rows beside these, whoever adds to a flow (provider.md §3).
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { askToken, postForm, refresh, type SignInAs, signIn } from '../../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

let rig: Rig
let as: SignInAs
beforeAll(async () => {
  rig = await openRig()
  const redirectUri = `${rig.issuer}/app/cb`
  await rig.seed.account('alice@example.test')
  await rig.seed.client('web', {
    redirectUris: [redirectUri],
    grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
    scope: 'openid email offline_access access',
  })
  as = {
    issuer: rig.issuer,
    client: { id: 'web', redirectUri, secret: clientSecret },
    user: { identifier: 'alice@example.test', password: alicePassword },
    scopes: ['openid', 'email'],
  }
  // The tenant's keys are made at its first request.
  await fetch(`${rig.issuer}/oauth2/jwks`)
  await countWrites()
})
afterAll(() => rig.close())
beforeEach(() => rig.seed.run('truncate written', []))

/** Every row inserted, updated or deleted from here on, by whatever path. */
async function countWrites(): Promise<void> {
  await rig.seed.run('create table written (place text, verb text)', [])
  await rig.seed.run(
    `create function note_write() returns trigger language plpgsql as
'begin insert into written values (tg_table_name, lower(tg_op)); return null; end'`,
    [],
  )
  const tables = await rig.database.query<{ name: string }>({
    name: '',
    text: `select table_name as name from information_schema.tables
where table_schema = 'public' and table_type = 'BASE TABLE' and table_name <> 'written'`,
  })
  for (const { name } of tables) {
    await rig.seed.run(
      `create trigger noted after insert or update or delete on "${name}" for each row execute function note_write()`,
      [],
    )
  }
}

/** `table verb` → rows; the trail and the outbox apart. */
async function written(): Promise<{ readonly [write: string]: number }> {
  const rows = await rig.database.query<{ what: string; count: number }>({
    name: '',
    text: `select place || ' ' || verb as what, count(*)::int as count from written
where place not in ('audit_event', 'outbox') and place not like 'audit_event%' group by 1 order by 1`,
  })
  return Object.fromEntries(rows.map(({ what, count }) => [what, count]))
}

/** Rows of the protocol's tables that stand when all is done: the rest of what was written served the way and is gone. */
const left = (writes: { readonly [write: string]: number }): number =>
  Object.entries(writes).reduce((all, [write, count]) => {
    if (!write.startsWith('oidc_') && !write.startsWith('consent ')) return all
    return all + (write.endsWith(' insert') ? count : write.endsWith(' delete') ? -count : 0)
  }, 0)

test('a sign-in, from the authorization request to its tokens, leaves six protocol rows', async () => {
  const { tokens, browser } = await signIn(as)
  expect(tokens.status).toBe(200)
  const first = await written()
  expect(left(first)).toBe(6)
  expect(first).toEqual({
    'consent insert': 1,
    'oidc_access_token insert': 1,
    'oidc_code insert': 1,
    'oidc_code update': 1,
    'oidc_grant insert': 1,
    'oidc_refresh_token insert': 1,
    // The way: one interaction for the password, one for the consent; a session that is nobody's yet, and the person's.
    'oidc_interaction insert': 2,
    'oidc_interaction update': 2,
    'oidc_interaction delete': 2,
    'oidc_session insert': 2,
    'oidc_session delete': 1,
    // Taken before the password is compared, given back after (people.md §4).
    'attempt_budget insert': 2,
    'attempt_budget update': 1,
    'attempt_budget delete': 1,
  })
  await rig.seed.run('truncate written', [])
  // The same person, at the same browser, for the same app.
  await signIn({ ...as, browser })
  expect(await written()).toEqual({
    'oidc_access_token insert': 1,
    'oidc_code insert': 1,
    'oidc_code update': 1,
    'oidc_refresh_token insert': 1,
    'oidc_session update': 1,
  })
})

test('a refresh spends one row and makes two', async () => {
  const { tokens } = await signIn({ ...as, scopes: ['openid', 'offline_access'], parameters: { prompt: 'consent' } })
  await rig.seed.run('truncate written', [])
  expect((await refresh(as, tokens.body.refresh_token ?? '')).status).toBe(200)
  expect(await written()).toEqual({
    'oidc_access_token insert': 1,
    'oidc_refresh_token insert': 1,
    // Spent, then told its successor for the grace of whoever lost this answer.
    'oidc_refresh_token update': 2,
  })
})

test('client credentials write nothing but their audit row', async () => {
  for (let turn = 0; turn < 3; turn += 1)
    expect((await askToken(as, { grant_type: 'client_credentials', scope: 'access' })).status).toBe(200)
  expect(await written()).toEqual({})
  const [trail] = await rig.seed.run(`select count(*)::int as count from written where place like 'audit_event%'`, [])
  expect(trail).toEqual({ count: 3 })
})

test('introspection, userinfo and the key set write nothing', async () => {
  const { tokens } = await signIn(as)
  const token = tokens.body.access_token ?? ''
  await rig.seed.run('truncate written', [])
  const told = await postForm(`${as.issuer}/oauth2/introspect`, as.client, { token })
  expect(JSON.parse(told.body)).toMatchObject({ active: true })
  const known = await fetch(`${as.issuer}/oauth2/userinfo`, { headers: { authorization: `Bearer ${token}` } })
  expect(known.status).toBe(200)
  expect((await fetch(`${as.issuer}/oauth2/jwks`)).status).toBe(200)
  const rows = await rig.seed.run('select * from written', [])
  expect(rows).toEqual([])
})

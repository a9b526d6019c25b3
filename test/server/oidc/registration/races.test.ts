// Registration under real concurrency: only a server with many sessions shows races (security.md row 2).
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { describeWith } from '../../../kit/availability.ts'
import { type RealPostgres, realPostgresNeed, startRealPostgres } from '../../../kit/postgres.ts'
import { openSites, type Sites } from './sites.ts'
import { openStand, type Stand } from './stand.ts'

const rivals = 64
const all = <T>(run: (at: number) => Promise<T>) => Promise.all(Array.from({ length: rivals }, (_, at) => run(at)))

describeWith(realPostgresNeed, 'registration on a real PostgreSQL', () => {
  let postgres: RealPostgres
  let sites: Sites
  let stand: Stand
  beforeAll(async () => {
    postgres = await startRealPostgres()
    sites = await openSites('app.example')
    stand = await openStand({ egress: sites.egress }, { url: await postgres.createDatabase() })
  }, 60_000)
  afterAll(async () => {
    await stand.close()
    await sites.close()
    await postgres.stop()
  })
  const app = { redirect_uris: ['https://app.example/cb'], token_endpoint_auth_method: 'none' }

  test(`${rivals} registrations with one initial access token make one client`, async () => {
    const token = await stand.initialToken()
    const answers = await all(() => stand.register(app, token))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ body }) => body.error === 'invalid_token')).toHaveLength(rivals - 1)
    const rows = await stand.rig.seed.run(`select 1 from client where origin = 'registration'`, [])
    expect(rows).toHaveLength(1)
  })

  test(`of ${rivals} updates with one management token one stands, and one audit row`, async () => {
    const { body } = await stand.register(app, await stand.initialToken())
    const uri = String(body.registration_client_uri)
    const token = String(body.registration_access_token)
    const answers = await all((at) =>
      stand.call('PUT', uri, { client_id: body.client_id, ...app, client_name: `Name ${at}` }, token),
    )
    const [won, ...others] = answers.filter(({ status }) => status === 200)
    expect(others).toHaveLength(0)
    const stored = await stand.call('GET', uri, undefined, String(won?.body.registration_access_token))
    expect(stored.body.client_name).toBe(won?.body.client_name)
    const rows = await stand.rig.seed.run(
      `select 1 from audit_event where action = 'oidc.client.updated' and resource_id = $1`,
      [body.client_id],
    )
    expect(rows).toHaveLength(1)
  })

  test(`${rivals} first sign-ins of an app by its document make one client and one event`, async () => {
    const id = 'https://app.example/client.json'
    sites.putJson(id, { client_id: id, ...app })
    await stand.admin('PUT', '/openid-settings', { clientDocumentHosts: ['app.example'] })
    const query = new URLSearchParams({
      client_id: id,
      response_type: 'code',
      redirect_uri: 'https://app.example/cb',
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    })
    const statuses = await all(async () => {
      return (await fetch(`${stand.issuer}/oauth2/authorize?${query}`, { redirect: 'manual' })).status
    })
    expect(new Set(statuses)).toEqual(new Set([303]))
    expect(sites.count(id)).toBe(1)
    const rows = await stand.rig.seed.run(`select 1 from audit_event where resource_id = $1`, [id])
    // The row's own making, and how it came to be.
    expect(rows).toHaveLength(2)
  })
})

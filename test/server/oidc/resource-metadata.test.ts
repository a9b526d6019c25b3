// RFC 9728: a resource says where its tokens come from, and a refusal says where to read that.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { entityOf } from '../../../server/identity/entities.ts'
import { openRig, type Rig } from './rig.ts'

let rig: Rig
beforeAll(async () => {
  rig = await openRig()
  await rig.kernel.tenants.create(
    { tenantId: 'default', subject: entityOf('Server', 'test') },
    { id: 'acme', name: 'Acme' },
  )
})
afterAll(() => rig.close())

const wellKnown = '/.well-known/oauth-protected-resource'

test.each([
  ['the ordinary one', wellKnown, '/api', ''],
  ['a resource of ours', `${wellKnown}/admin`, '/admin', ''],
  ['a resource of two segments', `${wellKnown}/storage/v1`, '/storage/v1', ''],
  ['another tenant, inserted (§3.1)', `${wellKnown}/t/acme/api`, '/t/acme/api', '/t/acme'],
  ['another tenant, below its prefix', `/t/acme${wellKnown}/api`, '/t/acme/api', '/t/acme'],
])('describes %s (RFC 9728 §3.2)', async (_what, path, resource, issuer) => {
  const response = await fetch(rig.issuer + path)
  expect(response.headers.get('cache-control')).toBe('public, max-age=300')
  expect(await response.json()).toMatchObject({
    resource: rig.issuer + resource,
    authorization_servers: [rig.issuer + issuer],
    bearer_methods_supported: ['header'],
  })
})

test.each([
  ['a resource that is not registered', `${wellKnown}/nothing`, 404],
  ['a tenant that is not there', `${wellKnown}/t/nobody/api`, 404],
  ['the default tenant by another address', `${wellKnown}/t/default/api`, 404],
])('knows nothing of %s', async (_what, path, status) => {
  expect((await fetch(rig.issuer + path)).status).toBe(status)
})

test('is read only', async () => {
  expect((await fetch(`${rig.issuer}${wellKnown}/api`, { method: 'POST' })).status).toBe(405)
})

test('a 401 of a route names it (RFC 9728 §5.1)', async () => {
  const ask = async (headers: Record<string, string>) =>
    (await fetch(`${rig.issuer}/admin/v1/keys/rotate`, { method: 'POST', headers, body: '{}' })).headers.get(
      'www-authenticate',
    )
  const json = { 'content-type': 'application/json' }
  const metadata = `resource_metadata="${rig.issuer}${wellKnown}/admin"`
  expect(await ask(json)).toBe(`Bearer ${metadata}`)
  expect(await ask({ ...json, authorization: 'Bearer x' })).toBe(`Bearer error="invalid_token", ${metadata}`)
})

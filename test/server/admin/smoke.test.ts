import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { openRig, type Rig } from './rig.ts'

let rig: Rig
beforeAll(async () => {
  rig = await openRig()
}, 60_000)
afterAll(() => rig?.close())

test('smoke', async () => {
  const show = async (m: string, p: string, b?: unknown, o?: Parameters<Rig['call']>[3]) => {
    const a = await rig.call(m, p, b, o)
    process.stdout.write(`${m} ${p} -> ${a.status} ${a.text.slice(0, 400)}\n`)
    return a
  }
  await show('GET', '/admin/v1/users')
  const u = await show('POST', '/admin/v1/users', {
    email: 'alice@example.test',
    emailVerified: true,
    password: 'correct horse battery staple',
  })
  await show('GET', `/admin/v1/users/${u.body.id}`)
  await show(
    'PATCH',
    `/admin/v1/users/${u.body.id}`,
    { locale: 'ko' },
    { headers: { 'if-match': u.headers.get('etag') ?? '' } },
  )
  await show('POST', `/admin/v1/users/${u.body.id}/disable`)
  const c = await show('POST', '/admin/v1/clients', { name: 'Web', redirectUris: ['https://a.example/cb'] })
  await show('POST', `/admin/v1/clients/${c.body.id}/rotate-secret`)
  await show('POST', '/admin/v1/organizations', { id: 'acme', name: 'Acme' })
  await show('POST', '/admin/v1/roles', { name: 'editor', scopeType: 'Organization' })
  await show('GET', '/admin/v1/roles/Organization:editor')
  await show('POST', '/admin/v1/assignments', {
    subject: { type: 'User', id: u.body.id },
    role: 'editor',
    on: { type: 'Organization', id: 'acme' },
  })
  await show('GET', '/admin/v1/assignments')
  await show('GET', `/admin/v1/users/${u.body.id}/effective?onType=Organization&onId=acme`)
  await show('PUT', '/admin/v1/policy-sets/docs', {
    files: { 'a.fbac': 'entity Doc {\n owner: User\n oops\n}\nallow x on Doc to anyone\n' },
  })
  const d = await show('PUT', '/admin/v1/policy-sets/docs', {
    files: {
      'a.fbac':
        'import User, Organization from "writ:identity"\n\nentity Doc {\n  owner: User\n  status: "draft" | "done"\n  relation viewer: User\n}\n\naction look on Doc by User | Client\n\n@id("owners")\nallow look on doc: Doc to owner of doc or viewer of doc\n',
    },
  })
  await show('POST', `/admin/v1/policy-sets/docs/drafts/${d.body.draft}/activate`, {})
  await show('PUT', '/admin/v1/entities/Doc/d1', {
    attributes: { owner: { type: 'User', id: u.body.id }, status: 'draft' },
  })
  await show('PUT', '/admin/v1/entities/Doc/d2', {
    attributes: { ownr: { type: 'User', id: u.body.id }, status: 'drft' },
  })
  await show('POST', '/admin/v1/relations/write', {
    writes: [{ resource: { type: 'Doc', id: 'd1' }, relation: 'viewer', subject: { type: 'User', id: 'bob' } }],
  })
  await show('POST', '/admin/v1/relations/write', {
    writes: [{ resource: { type: 'Doc', id: 'd1' }, relation: 'viewr', subject: { type: 'User', id: 'bob' } }],
  })
  await show('GET', '/admin/v1/policy-sets/docs')
  await show('GET', '/admin/v1/tenants')
  await show('POST', '/admin/v1/tenants', { id: 'acme', name: 'Acme' })
  await show('GET', '/admin/v1/audit?limit=3')
  const doc = [
    { kind: 'User', name: 'carol', spec: { email: 'carol@example.test', password: 'correct horse battery staple' } },
    {
      kind: 'Relation',
      name: 'r1',
      spec: { resource: { type: 'Doc', id: 'd1' }, relation: 'viewer', subject: { type: 'User', id: 'carol' } },
    },
  ]
  await show('POST', '/admin/v1/plan', { documents: doc })
  await show('POST', '/admin/v1/apply', { documents: doc })
  await show('POST', '/admin/v1/apply', { documents: doc })
  await show('GET', '/admin/v1/export')
  await show('GET', '/admin/v1/openapi.json')
  process.stdout.write(rig.logs.filter((l) => /"level":(40|50|60)|error/.test(l)).join(''))
  expect(u.status).toBe(201)
}, 60_000)

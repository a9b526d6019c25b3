// Trusted issuers as state in files (surface.md, CLI).
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { adminArea } from '../../../server/admin/area.ts'
import { askToken } from '../../kit/sign-in.ts'
import { clientSecret, openRig, type Rig } from '../oidc/rig.ts'

let rig: Rig
let headers: { readonly [name: string]: string }
beforeAll(async () => {
  rig = await openRig({ areas: [adminArea] })
  await rig.seed.client('desk', { grantTypes: ['client_credentials'], scope: 'admin' })
  await rig.seed.admin('desk')
  const client = { id: 'desk', redirectUri: '', secret: clientSecret }
  const asked = { grant_type: 'client_credentials', resource: `${rig.issuer}/admin` }
  const { body } = await askToken({ issuer: rig.issuer, client }, asked)
  headers = { authorization: `Bearer ${body.access_token}`, 'content-type': 'application/yaml' }
})
afterAll(() => rig.close())

const partner = (scope: string) => `kind: TrustedIssuer
name: partner
spec:
  issuer: https://login.partner.example
  jwksUri: https://login.partner.example/jwks
  subject: { by: email, domains: [partner.example] }
  scope: ${scope}
`
const apply = async (text: string) => {
  const response = await fetch(`${rig.issuer}/admin/v1/apply`, { method: 'POST', headers, body: text })
  return { status: response.status, body: (await response.json()) as { [member: string]: unknown } }
}

test('an issuer is made, changed and exported as a document; the same again changes nothing', async () => {
  expect((await apply(partner('access'))).body).toMatchObject({ created: ['TrustedIssuer/partner'] })
  expect((await apply(partner('access'))).body).toMatchObject({ unchanged: ['TrustedIssuer/partner'] })
  expect((await apply(partner('access read'))).body).toMatchObject({ changed: ['TrustedIssuer/partner'] })
  const exported = await (await fetch(`${rig.issuer}/admin/v1/export`, { headers })).text()
  expect(exported).toContain('kind: TrustedIssuer')
  expect((await apply(exported)).body).toMatchObject({ created: [], changed: [] })
})

test.each([
  ['without keys', partner('x').replace(/^ {2}jwksUri.*\n/m, '')],
  ['for every domain', partner('x').replace('[partner.example]', '["*"]')],
  ['with a symmetric algorithm', `${partner('x')}  algorithms: [HS256]\n`],
])('an issuer %s is refused', async (_what, text) => {
  expect((await apply(text)).status).toBe(422)
})

// Metadata that somebody trusted vouches for (RFC 7591 §2.3).
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { SignJWT } from 'jose'
import { createTrustedIssuerStore, trustedIssuerSchema } from '../../../../server/oidc/trusted-issuers.ts'
import { type ClientKey, openClientKey } from '../proofs.ts'
import { openStand, type Stand } from './stand.ts'

const issuer = 'https://statements.example'
const web = { client_name: 'My app', redirect_uris: ['https://app.example/cb'], token_endpoint_auth_method: 'none' }
let stand: Stand
let key: ClientKey
beforeAll(async () => {
  stand = await openStand()
  key = await openClientKey()
  const store = createTrustedIssuerStore(stand.rig.database, 'default')
  const settings = { jwks: { keys: [key.publicJwk] }, subject: { by: 'account' } }
  await store.put({ ...trustedIssuerSchema.parse({ ...settings, softwareStatements: true }), issuer })
  await store.put({ ...trustedIssuerSchema.parse(settings), issuer: 'https://assertions.example' })
})
afterAll(() => stand.close())

const statement = (claims: object = {}, header: object = {}) =>
  key.sign(
    { iss: issuer, software_id: 'editor', client_name: 'Signed name', ...claims },
    { kid: 'client-key', ...header },
  )

test('what is signed stands over what is said, and is told to the rules', async () => {
  await stand.rules(`@id("vouched-for")
allow registerClient on Tenant to anyone
  when has context.softwareStatement and context.softwareStatement.issuer == "${issuer}"`)
  const text = await statement()
  const { status, body } = await stand.register({ ...web, software_statement: text })
  expect([status, body.client_name, body.software_id, body.software_statement]).toEqual([
    201,
    'Signed name',
    'editor',
    text,
  ])
  expect((await stand.register(web)).status).toBe(401)
  await stand.rules('')
})

test.each([
  ['of nobody trusted', () => statement({ iss: 'https://else.example' }), 'unapproved_software_statement'],
  [
    'of one trusted for other things',
    () => statement({ iss: 'https://assertions.example' }),
    'unapproved_software_statement',
  ],
  [
    'by another key',
    async () => (await openClientKey()).sign({ iss: issuer }, { kid: 'client-key' }),
    'invalid_software_statement',
  ],
  ['that is over', () => statement({ exp: 1_000 }), 'invalid_software_statement'],
  ['for another server', () => statement({ aud: 'https://other.example' }), 'invalid_software_statement'],
  ['that is something else', () => statement({}, { typ: 'at+jwt' }), 'invalid_software_statement'],
  [
    'without a signature',
    async () => `${btoa('{"alg":"none"}')}.${btoa(`{"iss":"${issuer}"}`)}.`,
    'invalid_software_statement',
  ],
  [
    'signed by a secret',
    () => new SignJWT({ iss: issuer }).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.alloc(32)),
    'invalid_software_statement',
  ],
  ['that is no JWT', async () => 'x', 'invalid_software_statement'],
  ['that is no text', async () => 7, 'invalid_software_statement'],
  ['of 17 KiB', () => statement({ padding: 'x'.repeat(17_000) }), 'invalid_software_statement'],
  ['with a privileged member', () => statement({ skip_consent: true }), 'invalid_client_metadata'],
  ['with a scope beyond', () => statement({ scope: 'admin' }), 'invalid_client_metadata'],
  ['with NUL', () => statement({ software_version: '1\u0000' }), 'invalid_client_metadata'],
  [
    'with half a character',
    () => statement({ jwks: { keys: [{ kty: 'EC', kid: '\ud800' }] } }),
    'invalid_client_metadata',
  ],
])('one %s is refused', async (_what, make, code) => {
  const sent = { ...web, software_statement: await make() }
  expect((await stand.register(sent, await stand.initialToken())).body.error).toBe(code)
})

// The page about apps that register themselves, followed to the letter (docs/signin/self-registration.md).
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { openSites, type Sites } from '../server/oidc/registration/sites.ts'
import { openStand, type Stand } from '../server/oidc/registration/stand.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const text = readFileSync(`${root}docs/signin/self-registration.md`, 'utf8')
const blocks = [...text.matchAll(/^```(yaml|js|fbac fragment|json)\n([\s\S]*?)^```/gm)].map(
  ([, language = '', body = '']) => ({ language, body }),
)
let at = 0
const next = (language: string): string => {
  const block = blocks[at]
  at += 1
  if (block?.language !== language) throw new Error(`block ${at} is not ${language}`)
  return block.body
}

let sites: Sites
let stand: Stand
beforeAll(async () => {
  sites = await openSites('editor.example')
  stand = await openStand({ egress: sites.egress })
})
afterAll(async () => {
  await stand.close()
  await sites.close()
})

const apply = async () => {
  const headers = { authorization: `Bearer ${stand.adminToken}`, 'content-type': 'application/yaml' }
  const response = await fetch(`${stand.issuer}/admin/v1/apply`, { method: 'POST', headers, body: next('yaml') })
  expect(response.status).toBe(200)
  return (await response.json()) as { readonly secrets: { readonly [name: string]: { readonly token: string } } }
}
const run = async (env: { readonly [name: string]: string }): Promise<string> => {
  const child = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', next('js')], {
    cwd: root,
    env: { PATH: process.env.PATH, ISSUER: stand.issuer, ...env },
  })
  return (await child).stdout
}
const begins = async (id: string) => {
  const query = new URLSearchParams({
    client_id: id,
    response_type: 'code',
    redirect_uri: 'http://127.0.0.1:50123/callback',
    scope: 'openid',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })
  return (await fetch(`${stand.issuer}/oauth2/authorize?${query}`, { redirect: 'manual' })).status
}

test('every step of the page does what it says', async () => {
  const { secrets } = await apply()
  const INITIAL_ACCESS_TOKEN = secrets['InitialAccessToken/partner-portal']?.token ?? ''
  expect(await run({ INITIAL_ACCESS_TOKEN })).toMatch(/^Registered c_\S+ with a secret of 43 characters\n$/)

  const metadata = { redirect_uris: ['https://portal.partner.example/callback'] }
  const { body } = await stand.register(metadata, await stand.initialToken())
  const changed = await run({
    CLIENT_ID: String(body.client_id),
    REGISTRATION_CLIENT_URI: String(body.registration_client_uri),
    REGISTRATION_ACCESS_TOKEN: String(body.registration_access_token),
  })
  expect(changed).toBe('Changed: 200, next token: true\n')

  await stand.rules(next('fbac fragment'))
  expect((await stand.register(metadata)).status).toBe(201)
  expect((await stand.register({ ...metadata, client_name: 'Writ' })).body.error_description).toBe(
    'Choose another name.',
  )
  expect((await stand.register({ redirect_uris: ['https://else.example/cb'] })).status).toBe(401)

  await apply()
  const document = JSON.parse(next('json')) as { client_id: string }
  sites.putJson(document.client_id, document)
  expect(await begins(document.client_id)).toBe(303)
  await stand.admin('PUT', '/openid-settings', {})
  expect(await begins(document.client_id)).toBe(400)
  await stand.rules(next('fbac fragment'))
  expect(await begins(document.client_id)).toBe(303)

  await apply()
  const discovered = await stand.call('GET', '/.well-known/openid-configuration')
  expect(discovered.body).toMatchObject({
    request_uri_parameter_supported: true,
    require_request_uri_registration: true,
    client_id_metadata_document_supported: true,
  })
  expect(at).toBe(blocks.length)
}, 30_000)

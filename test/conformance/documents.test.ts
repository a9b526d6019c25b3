// The documents are what they say: Writ takes its half, and every module of every plan is told by a test or said to be open.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { openHttpBrowser } from '../kit/http-browser.ts'
import { startServer, type TestServer } from '../kit/start-server.ts'
import { makeDocuments } from './documents.ts'
import { elsewhere, open } from './facts.ts'
import { plans } from './plans.ts'
import { writeDocuments } from './write-documents.ts'

const documents = makeDocuments({ issuer: 'https://op.example.test', suite: 'https://suite.example.test' })
const names = Object.keys(plans)
type Client = { readonly client_id: string; readonly client_secret?: string }

function basicClient(): Client {
  const client = documents.basic?.suite.client
  if (!client) throw new Error('the basic plan has no client')
  return client as Client
}

let server: TestServer
beforeAll(async () => {
  // Certificates are asked for by a client of one plan; without a place to show them such clients are not found.
  server = await startServer({
    env: { WRIT_TRUSTED_PROXIES: '127.0.0.1', WRIT_CLIENT_CERTIFICATE_HEADER: 'client-cert' },
  })
})
afterAll(() => server.stop())

test.each(names)('%s: writ apply takes its document, and takes it again unchanged', async (name) => {
  const given = { documents: documents[name]?.writ }
  const first = await server.admin('POST', '/admin/v1/apply', given)
  expect([first.status, first.status === 200 ? '' : await first.text()]).toEqual([200, ''])
  const again = (await (await server.admin('POST', '/admin/v1/apply', given)).json()) as { readonly created: unknown[] }
  expect(again.created).toEqual([])
})

test.each(names)('%s: the suite’s half names clients that are there', async (name) => {
  const { suite = {}, writ = [] } = documents[name] ?? {}
  const made = new Set(writ.filter(({ kind }) => kind === 'Client').map((one) => one.name))
  const named = [suite.client, suite.client2, suite.client_secret_post] as readonly (Client | undefined)[]
  for (const client of named) if (client) expect(made).toContain(client.client_id)
  expect(suite.server).toMatchObject({ discoveryUrl: 'https://op.example.test/.well-known/openid-configuration' })
  expect(JSON.parse(JSON.stringify(suite))).toEqual(suite)
})

test('the secret of the suite’s half is the one that Writ compares', async () => {
  const { client_id: id, client_secret: secret } = basicClient()
  const response = await fetch(`${server.url}/oauth2/introspect`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ token: 'x' }),
  })
  expect([response.status, await response.json()]).toEqual([200, { active: false }])
})

test('the pages have the ids that the suite’s browser looks for', async () => {
  const commands = JSON.stringify(documents.basic?.suite.browser)
  for (const id of ['identifier', 'password', 'submit-signin', 'allow', 'logout-confirm'])
    expect(commands).toContain(id)
  const { client_id: id } = basicClient()
  const query = new URLSearchParams({
    client_id: id,
    response_type: 'code',
    redirect_uri: 'https://suite.example.test/test/a/writ-basic/callback',
    scope: 'openid',
    nonce: 'n',
  })
  const { text } = await openHttpBrowser().open(`${server.url}/oauth2/authorize?${query}`)
  for (const id of ['identifier', 'password', 'submit-signin']) expect(text).toContain(`id="${id}"`)
})

test('both halves are written for nobody else to read, and a line for each plan', () => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-conformance-'))
  const lines = writeDocuments(folder, { issuer: 'https://op.example.test', suite: 'https://suite.example.test' })
  expect(lines).toHaveLength(names.length)
  for (const name of names) {
    expect(JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))).toHaveProperty('alias', `writ-${name}`)
    expect(statSync(join(folder, `${name}.writ.yaml`)).mode & 0o077).toBe(0)
  }
  rmSync(folder, { recursive: true })
})

describe('every module', () => {
  const root = new URL('../../', import.meta.url)
  const own = readdirSync(new URL('.', import.meta.url))
    .filter((file) => file.endsWith('.test.ts') && file !== 'documents.test.ts')
    .map((file) => readFileSync(new URL(file, import.meta.url), 'utf8'))
    .join('\n')
  const isTold = (module: string): boolean => {
    const said = elsewhere[module]
    if (said) return readFileSync(new URL(said[0], root), 'utf8').includes(said[1])
    return own.includes(module) || own.includes(`${module.replace('fapi2-security-profile-final-', '')}`)
  }
  test.each(names)('of %s is told by a test here, by one elsewhere, or open with a reason', (name) => {
    const modules = plans[name]?.modules ?? []
    expect(modules.filter((module) => open[module] === undefined && !isTold(module))).toEqual([])
    expect(modules.filter((module) => open[module] !== undefined && elsewhere[module] !== undefined)).toEqual([])
  })
})

test('a client without PKCE is written only where the tenant says certification, and never a public one (provider.md §2)', async () => {
  const settings = (spec: object) => ({ kind: 'OpenidSettings', name: 'openid', spec })
  const client = (spec: object) => ({
    kind: 'Client',
    name: 'bare',
    spec: { scope: 'openid', redirectUris: [], ...spec },
  })
  const apply = async (...given: object[]) => {
    const answer = await server.admin('POST', '/admin/v1/apply', { documents: given })
    return [answer.status, /client_unusable/.exec(await answer.text())?.[0]]
  }
  const refused = [422, 'client_unusable']
  for (const bare of [{ requirePkce: false }, { requireNonce: false }]) {
    expect(await apply(settings({}), client(bare))).toEqual(refused)
    expect(await apply(settings({ certification: true }), client(bare))).toEqual([200, undefined])
    const open = { ...bare, tokenEndpointAuthMethod: 'none' }
    expect(await apply(settings({ certification: true }), client(open))).toEqual(refused)
  }
})

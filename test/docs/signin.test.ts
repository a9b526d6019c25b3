// The pages about signing in, followed to the letter: documents are applied, programs are run.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { adminArea } from '../../server/admin/area.ts'
import { openBackchannelAdmin } from '../kit/ciba.ts'
import { confirmDevice } from '../kit/device.ts'
import { openHttpBrowser } from '../kit/http-browser.ts'
import { askToken, type SignInAs, signIn } from '../kit/sign-in.ts'
import { openClientKey } from '../server/oidc/proofs.ts'
import { alicePassword, clientSecret, openRig, type Rig } from '../server/oidc/rig.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** Programs wait whole seconds between two questions; here a hundredth of that. */
const hurry = `const wait = setTimeout; globalThis.setTimeout = (run, after, ...rest) => wait(run, (after ?? 0) / 100, ...rest)`

let rig: Rig
let as: SignInAs
let adminToken: string
beforeAll(async () => {
  rig = await openRig({ areas: [adminArea] })
  const redirectUri = `${rig.issuer}/app/cb`
  await rig.seed.account('alice@example.test')
  await rig.seed.client('web', { redirectUris: [redirectUri], scope: 'openid access' }, { firstParty: true })
  await rig.seed.client('desk', { grantTypes: ['client_credentials'], scope: 'admin' })
  await rig.seed.admin('desk')
  as = {
    issuer: rig.issuer,
    client: { id: 'web', redirectUri, secret: clientSecret },
    user: { identifier: 'alice@example.test', password: alicePassword },
    scopes: ['openid', 'access'],
    resource: `${rig.issuer}/api`,
  }
  const desk = { ...as, client: { ...as.client, id: 'desk' } }
  const { body } = await askToken(desk, { grant_type: 'client_credentials', resource: `${rig.issuer}/admin` })
  adminToken = body.access_token ?? ''
})
afterAll(() => rig.close())

/** Blocks of one page, in the order in which it shows them. */
function openPage(page: string) {
  const text = readFileSync(`${root}docs/signin/${page}`, 'utf8')
  const blocks = [...text.matchAll(/^```(yaml|js)\n([\s\S]*?)^```/gm)].map(([, language, body = '']) => ({
    language,
    body,
  }))
  let at = 0
  const next = (language: string): string => {
    const block = blocks[at]
    at += 1
    if (block?.language !== language) throw new Error(`${page}: block ${at} is not ${language}`)
    return block.body
  }
  return {
    /** Applies the next document; answers the secret that was made. */
    async apply(): Promise<string> {
      const response = await fetch(`${rig.issuer}/admin/v1/apply`, {
        method: 'POST',
        headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/yaml' },
        body: next('yaml'),
      })
      const body = await response.text()
      if (response.status !== 200) throw new Error(`${response.status} ${body}`)
      return /"clientSecret":"([^"]+)"/.exec(body)?.[1] ?? ''
    },
    /** Runs the next program. */
    run: (env: { readonly [name: string]: string } = {}) => runProgram(next('js'), env),
    isRead: () => at === blocks.length,
  }
}

function runProgram(code: string, env: { readonly [name: string]: string }) {
  const child = spawn(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(hurry)}`, '--input-type=module', '--eval', code],
    { cwd: root, env: { PATH: process.env.PATH, ISSUER: rig.issuer, ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let said = ''
  let complained = ''
  const listeners: (() => void)[] = []
  child.stdout.on('data', (chunk) => {
    said += String(chunk)
    for (const listener of listeners) listener()
  })
  child.stderr.on('data', (chunk) => {
    complained += String(chunk)
  })
  const ended = new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => (code === 0 ? resolve(said) : reject(new Error(complained))))
  })
  return {
    ended,
    /** What it has said, as soon as that fits. */
    says: (pattern: RegExp) =>
      Promise.race([
        new Promise<RegExpExecArray>((resolve) => {
          const look = () => {
            const match = pattern.exec(said)
            if (match) resolve(match)
          }
          listeners.push(look)
          look()
        }),
        ended.then((): never => {
          throw new Error(`it ended without: ${pattern}`)
        }),
      ]),
  }
}

test('a device shows a code, and is signed in when the person has confirmed it (docs/signin/device.md)', async () => {
  const page = openPage('device.md')
  await page.apply()
  const device = page.run()
  const [, code = ''] = await device.says(/type (\S+)/)
  expect((await confirmDevice(as, openHttpBrowser(), code)).text).toContain('device-done')
  expect(await device.ended).toMatch(/Signed in: [0-9a-f-]{36}/)
  expect(page.isRead()).toBe(true)
}, 30_000)

test('a service speaks for itself and for people (docs/signin/service.md)', async () => {
  const page = openPage('service.md')
  expect(await page.run({ CLIENT_SECRET: await page.apply() }).ended).toBe('A token for 600 seconds\n')

  const { tokens } = await signIn(as)
  const orders = await page.apply()
  const exchanged = page.run({ CLIENT_SECRET: orders, SUBJECT_TOKEN: tokens.body.access_token ?? '' })
  expect(await exchanged.ended).toBe('A token with the scope access\n')

  const partner = await openClientKey()
  const jwks = JSON.stringify({ keys: [partner.publicJwk] })
  expect(await page.run({ ADMIN_TOKEN: adminToken, PARTNER_JWKS: jwks }).ended).toBe('Trusted: 204\n')
  const batch = await page.apply()
  const claims = { iss: 'https://login.partner.example', email: 'alice@example.test', email_verified: true }
  const assertion = await partner.assertion('their-id', rig.issuer, claims)
  expect(await page.run({ CLIENT_SECRET: batch, ASSERTION: assertion }).ended).toBe('A token with the scope access\n')

  const bank = page.run({ CLIENT_SECRET: await page.apply() })
  const desk = await openBackchannelAdmin(rig.issuer, { id: 'desk', secret: clientSecret })
  while ((await desk.list()).length === 0) await new Promise((resolve) => setTimeout(resolve, 50))
  expect(await desk.answer('approve')).toBe(204)
  expect(await bank.ended).toMatch(/^Allowed by [0-9a-f-]{36}\n$/)
  expect(page.isRead()).toBe(true)
}, 60_000)

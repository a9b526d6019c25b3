// The pages about connecting apps, followed to the letter (docs/signin).
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { guardedEgress } from '../../adapters/egress/guarded-egress.ts'
import { adminArea } from '../../server/admin/area.ts'
import { describeWith } from '../kit/availability.ts'
import { browserNeed, openChromium } from '../kit/chromium.ts'
import { type HttpBrowser, openHttpBrowser } from '../kit/http-browser.ts'
import { askToken, type SignInAs, signIn } from '../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from '../server/oidc/rig.ts'
import { freePort, openPage, type Program, runProgram } from './open-page.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const user = { identifier: 'alice@example.test', password: alicePassword }
let rig: Rig
let web: SignInAs
let server: { readonly issuer: string; readonly adminToken: string }
let alice: string
const running: Program[] = []
beforeAll(async () => {
  rig = await openRig({ areas: [adminArea], area: { egress: guardedEgress({ allowLoopback: true }) } })
  alice = await rig.seed.account('alice@example.test')
  const redirectUri = `${rig.issuer}/app/cb`
  await rig.seed.client('web', { redirectUris: [redirectUri], scope: 'openid access' }, { firstParty: true })
  await rig.seed.client('desk', { grantTypes: ['client_credentials'], scope: 'admin' })
  await rig.seed.admin('desk')
  web = {
    issuer: rig.issuer,
    client: { id: 'web', redirectUri, secret: clientSecret },
    user,
    scopes: ['openid', 'access'],
  }
  const desk = { ...web, client: { ...web.client, id: 'desk' } }
  const { body } = await askToken(desk, { grant_type: 'client_credentials', resource: `${rig.issuer}/admin` })
  server = { issuer: rig.issuer, adminToken: body.access_token ?? '' }
})
afterEach(async () => {
  for (const program of running.splice(0)) await program.stop()
})
afterAll(() => rig.close())

const started = async (program: Program, ready: RegExp): Promise<Program> => {
  running.push(program)
  await program.says(ready)
  return program
}
/** Signs in and allows, as far as asked. */
async function goThrough(browser: HttpBrowser): Promise<void> {
  if (browser.page().text.includes('name="password"')) await browser.submit(user)
  if (browser.page().text.includes('name="allow"')) await browser.submit({}, 'allow')
}

test('a server app signs a person in and out (docs/signin/web-app.md)', async () => {
  const page = openPage('web-app.md', server)
  const port = await freePort()
  const CLIENT_SECRET = await page.apply({ of: 4000, is: port })
  await started(page.run({ CLIENT_SECRET, PORT: String(port) }), /Open /)
  const origin = `http://127.0.0.1:${port}`
  const browser = openHttpBrowser()
  expect((await browser.open(origin)).text).toContain('Sign in')
  await browser.follow('/login')
  await goThrough(browser)
  expect(browser.page().url).toBe(`${origin}/`)
  expect(browser.page().text).toContain('Hello alice@example.test')
  await browser.submit({})
  const back = await browser.submit({}, 'logout')
  expect(back.url).toMatch(new RegExp(`^${origin}/`))
  expect(back.text).toContain('Sign in')
  await browser.open(`${origin}/login`)
  expect(browser.page().text).toContain('name="password"')
  // Somebody else's answer, and an answer to nothing.
  await browser.open(`${origin}/login`)
  expect((await browser.open(`${origin}/callback?code=x&state=y`)).status).toBe(400)
  expect(page.isRead()).toBe(true)
}, 60_000)

test('a mobile app signs in by the system’s browser (docs/signin/mobile-app.md)', async () => {
  const page = openPage('mobile-app.md', server)
  await page.apply()
  const app = page.run()
  const [, url = ''] = await app.says(/Open (\S+)/)
  const browser = openHttpBrowser()
  await browser.open(url)
  await goThrough(browser)
  expect(browser.page().url).toMatch(/^com\.example\.pocket:\/callback\?code=/)
  app.hear(browser.page().url)
  const said = await app.ended
  expect(said).toContain(`Signed in: ${alice}\n`)
  expect(said).toContain('Replaced: true\nAfter that: invalid_grant\n')
  expect(page.isRead()).toBe(true)
}, 60_000)

test('an API checks tokens by their signature, and by asking (docs/signin/api.md)', async () => {
  const page = openPage('api.md', server)
  const port = await freePort()
  await started(page.run({ PORT: String(port) }), /Listening/)
  const call = async (token?: string) => {
    const headers: { [name: string]: string } = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers })
    return [answer.status, answer.headers.get('www-authenticate') ?? (await answer.text())]
  }
  const resource = `${rig.issuer}/api`
  const { tokens } = await signIn({ ...web, resource })
  const other = await signIn({ ...web, resource: `${rig.issuer}/access` })
  const narrow = await signIn({ ...web, scopes: ['openid'], resource })
  expect(await call(tokens.body.access_token)).toEqual([200, 'Hello a person by web'])
  expect(await call()).toEqual([401, 'Bearer'])
  expect(await call(other.tokens.body.access_token)).toEqual([401, 'Bearer error="invalid_token"'])
  expect(await call(tokens.body.id_token)).toEqual([401, 'Bearer error="invalid_token"'])
  expect(await call(narrow.tokens.body.access_token)).toEqual([
    403,
    'Bearer error="insufficient_scope", scope="access"',
  ])

  const CLIENT_SECRET = await page.apply()
  const code = page.next('js')
  const ask = (token = '') => runProgram(code, { ISSUER: rig.issuer, CLIENT_SECRET, TOKEN: token }).ended
  expect(await ask(tokens.body.access_token)).toBe('Active, for web\n')
  expect(await ask(other.tokens.body.access_token)).toBe('Not active\n')
  expect(await ask('nonsense')).toBe('Not active\n')
  await page.apply()
  expect(page.isRead()).toBe(true)
}, 60_000)

test('an app signs a person out, and is told of it (docs/signin/logout.md)', async () => {
  const page = openPage('logout.md', server)
  const port = await freePort()
  const CLIENT_SECRET = await page.apply({ of: 4003, is: port })
  const goodbye = `http://127.0.0.1:${port}/goodbye`
  const redirectUri = `http://127.0.0.1:${port}/callback`
  const [sendOff, receive] = [page.next('js'), page.next('js')]
  const receiver = await started(runProgram(receive, { ISSUER: rig.issuer, PORT: String(port) }), /Waiting/)
  const library = { ...web, client: { id: 'library', redirectUri, secret: CLIENT_SECRET }, scopes: ['openid'] }
  const { tokens, browser } = await signIn(library)
  const env = { ISSUER: rig.issuer, CLIENT_SECRET, ID_TOKEN: tokens.body.id_token ?? '', GOODBYE: goodbye }
  const [, url = ''] = await runProgram(sendOff, env).says(/to (\S+)/)
  await browser.open(url)
  const back = await browser.submit({}, 'logout')
  expect(back.url).toBe(`${goodbye}?state=back-again`)
  await receiver.says(new RegExp(`Signed out: ${alice}, session \\S{10}`))
  const forged = await fetch(`http://127.0.0.1:${port}/signed-out`, {
    method: 'POST',
    body: new URLSearchParams({ logout_token: tokens.body.id_token ?? '' }),
  })
  expect(forged.status).toBe(400)
  expect(page.isRead()).toBe(true)
}, 60_000)

test('an app looks after the person’s account (docs/account.md)', async () => {
  const page = openPage('../account.md', server)
  const port = await freePort()
  const secret = await page.apply({ of: 4004, is: port })
  const settings = {
    ...web,
    client: { id: 'settings', redirectUri: `http://127.0.0.1:${port}/callback`, secret },
    scopes: ['openid', 'account'],
    resource: `${rig.issuer}/account`,
  }
  await rig.seed.client('photos', { redirectUris: [web.client.redirectUri], scope: 'openid email' })
  await signIn({ ...web, client: { ...web.client, id: 'photos' }, scopes: ['openid', 'email'] })
  const landing = createServer((_request, response) => response.end())
  await new Promise<void>((resolve) => landing.listen(port, '127.0.0.1', resolve))
  const { tokens } = await signIn(settings)
  landing.close()
  const said = await page.run({ TOKEN: tokens.body.access_token ?? '', WITHDRAW: 'photos' }).ended
  expect(said).toMatch(/^alice@example\.test is signed in \d+ times, last used 20/)
  expect(said).toContain('photos may: openid, email\n')
  expect(said).toMatch(/ oidc\.consent\.withdrawn photos\n/)
  expect(page.isRead()).toBe(true)
}, 60_000)

describeWith(browserNeed, 'in a real browser', () => {
  test('a single-page app signs a person in and out (docs/signin/single-page-app.md)', async () => {
    const page = openPage('single-page-app.md', server)
    const port = await freePort()
    await page.apply({ of: 4001, is: port })
    const folder = mkdtempSync(join(tmpdir(), 'writ-notes-'))
    writeFileSync(join(folder, 'index.html'), page.next('html'))
    writeFileSync(join(folder, 'app.js'), `globalThis.ISSUER = '${rig.issuer}'\n${page.next('js')}`)
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    const serve = `process.chdir(${JSON.stringify(folder)})\n${page.next('js')}`
    await started(runProgram(serve, { PORT: String(port) }), /Open/)
    const { context, close } = await openChromium()
    try {
      const tab = await context.newPage()
      await tab.goto(`http://127.0.0.1:${port}/`)
      await tab.click('#sign-in')
      await tab.fill('#identifier', user.identifier)
      await tab.fill('#password', user.password)
      await tab.click('#submit-signin')
      await tab.click('#allow')
      await tab.getByText('Signed in as alice@example.test').waitFor()
      expect(tab.url()).toBe(`http://127.0.0.1:${port}/`)
      await tab.click('#sign-out')
      await tab.click('#logout-confirm')
      await tab.getByText('Not signed in').waitFor()
    } finally {
      await close()
      rmSync(folder, { recursive: true, force: true })
    }
    expect(page.isRead()).toBe(true)
  }, 90_000)
})

test('the index leads to every page, and every link of these pages leads somewhere', () => {
  const pages = [
    'README',
    'web-app',
    'single-page-app',
    'mobile-app',
    'service',
    'device',
    'api',
    'logout',
    'self-registration',
  ]
  const index = readFileSync(`${root}docs/signin/README.md`, 'utf8')
  for (const page of pages) {
    if (page !== 'README') expect(index).toContain(`(${page}.md)`)
    const text = readFileSync(`${root}docs/signin/${page}.md`, 'utf8')
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      expect(() => readFileSync(join(`${root}docs/signin`, target))).not.toThrow()
    }
  }
})

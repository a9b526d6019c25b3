import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { describeWith } from '../kit/availability.ts'
import { openHttpBrowser } from '../kit/http-browser.ts'
import { goThere, openProvider, type Provider } from './foreign-client.ts'

const version = 'v7.6.0'
const built = mkdtempSync(join(tmpdir(), 'writ-oauth2-proxy-'))
const binary = join(built, 'oauth2-proxy')

/** Built from its module as it was published, with its own list of dependencies; answers what is missing. */
function build(): string | undefined {
  const go = (args: readonly string[], cwd: string) =>
    spawnSync('go', args, { cwd, encoding: 'utf8', timeout: 300_000 })
  const fetched = go(['mod', 'download', '-json', `github.com/oauth2-proxy/oauth2-proxy/v7@${version}`], built)
  if (fetched.status !== 0)
    return `Go, or the module, is absent: ${fetched.error?.message ?? fetched.stdout.slice(-300)}`
  const { Dir: folder } = JSON.parse(fetched.stdout) as { readonly Dir: string }
  const made = go(['build', '-o', binary, '.'], folder)
  return made.status === 0
    ? undefined
    : `its dependencies are absent: ${made.error?.message ?? made.stderr.slice(-300)}`
}
const missing = build()

describeWith({ name: 'oauth2-proxy', missing }, 'oauth2-proxy (Go) before an app that knows no OpenID', () => {
  let provider: Provider
  let app: Server
  let proxy: ChildProcess
  let origin: string
  let log = ''
  beforeAll(async () => {
    provider = await openProvider()
    app = createServer((request, response) => response.end(JSON.stringify(request.headers)))
    const port = await listen(createServer(), true)
    const appPort = await listen(app)
    origin = `http://127.0.0.1:${port}`
    const redirectUri = `${origin}/oauth2/callback`
    const secret = await provider.createClient('proxied', {
      redirectUris: [redirectUri],
      grantTypes: ['authorization_code', 'refresh_token'],
      scope: 'openid email profile offline_access',
    })
    const settings = {
      provider: 'oidc',
      'oidc-issuer-url': provider.writ.issuer,
      'client-id': 'proxied',
      'client-secret': secret,
      'redirect-url': redirectUri,
      'http-address': `127.0.0.1:${port}`,
      upstream: `http://127.0.0.1:${appPort}/`,
      'email-domain': '*',
      scope: 'openid email offline_access',
      prompt: 'consent',
      'code-challenge-method': 'S256',
      'cookie-secret': randomBytes(32).toString('base64url'),
      'cookie-secure': 'false',
      'cookie-refresh': '1s',
      'skip-provider-button': 'true',
      'pass-access-token': 'true',
    }
    proxy = spawn(
      binary,
      Object.entries(settings).map(([name, value]) => `--${name}=${value}`),
      { cwd: built },
    )
    for (const stream of [proxy.stdout, proxy.stderr])
      stream?.on('data', (chunk: Buffer) => (log += chunk.toString('utf8')))
    await until(async () => (await fetch(`${origin}/ping`).catch(() => undefined))?.status === 200)
  }, 120_000)
  afterAll(async () => {
    proxy?.kill()
    app?.close()
    await provider?.writ.stop()
    rmSync(built, { recursive: true, force: true })
  })

  const until = async (isThere: () => Promise<boolean>) => {
    for (let round = 0; !(await isThere()); round += 1) {
      if (round > 200) throw new Error(`it never came:\n${log}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  test('lets nobody through, signs a person in with PKCE, tells the app who it is, and refreshes', async () => {
    const browser = openHttpBrowser()
    expect((await browser.open(`${origin}/private`)).text).toContain('name="password"')
    await goThere(`${origin}/private`, browser)
    const seen = () => JSON.parse(browser.page().text) as { readonly [header: string]: string }
    expect(seen()).toMatchObject({ 'x-forwarded-email': 'alice@example.test', 'x-forwarded-user': provider.accountId })
    const first = seen()['x-forwarded-access-token']
    expect(first).toBeDefined()
    await until(async () => {
      await browser.open(`${origin}/private`)
      return seen()['x-forwarded-access-token'] !== first
    })
    expect(log).not.toMatch(/invalid_grant/)
  }, 60_000)

  test('what the person takes back at /account ends there at the next refresh', async () => {
    const browser = openHttpBrowser()
    await goThere(`${origin}/private`, browser)
    expect(browser.page().text).toContain('alice@example.test')
    await goThere(`${provider.writ.issuer}/account`, browser)
    await browser.submit({ disconnect: 'proxied' })
    await until(async () => /invalid_grant/.test((await browser.open(`${origin}/private`)).text + log))
    expect(log).toMatch(/invalid_grant/)
  }, 60_000)
})

async function listen(server: Server, isClosed = false): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  if (isClosed) await new Promise((resolve) => server.close(resolve))
  return port
}

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { describeWith } from '../kit/availability.ts'
import { openHttpBrowser } from '../kit/http-browser.ts'
import { signIn } from '../kit/sign-in.ts'
import { goThere, openProvider, type Provider, person } from './foreign-client.ts'

const source = fileURLToPath(new URL('./spring/', import.meta.url))
const built = mkdtempSync(join(tmpdir(), 'writ-spring-'))
const classpathFile = join(built, 'classpath')
const goals = ['compile', 'dependency:build-classpath', `-Dmdep.outputFile=${classpathFile}`]
const build = spawnSync('mvn', ['-q', '-B', `-Dout=${built}`, ...goals], {
  cwd: source,
  encoding: 'utf8',
  timeout: 240_000,
})
const missing =
  build.status === 0
    ? undefined
    : `Java, or its packages, are absent: ${build.error?.message ?? build.stdout.slice(-300)}`

describeWith({ name: 'spring', missing }, 'Spring Security (Java)', () => {
  let provider: Provider
  let app: ChildProcess
  let origin: string
  let secret: string
  let log = ''
  beforeAll(async () => {
    provider = await openProvider()
    const port = await freePort()
    origin = `http://127.0.0.1:${port}`
    const { issuer } = provider.writ
    secret = await provider.createClient('spring-app', {
      redirectUris: [`${origin}/login/oauth2/code/writ`, `${issuer}/app/cb`],
      postLogoutRedirectUris: [`${origin}/bye`],
      backchannelLogoutUri: `${origin}/logout/connect/back-channel/writ`,
      grantTypes: ['authorization_code', 'refresh_token'],
      scope: 'openid email offline_access access',
    })
    const registration = 'spring.security.oauth2.client.registration.writ'
    const settings = {
      'server.port': port,
      'server.address': '127.0.0.1',
      issuer,
      [`${registration}.client-id`]: 'spring-app',
      [`${registration}.client-secret`]: secret,
      [`${registration}.scope`]: 'openid,email',
      'spring.security.oauth2.client.provider.writ.issuer-uri': issuer,
    }
    const classpath = [join(built, 'classes'), readFileSync(classpathFile, 'utf8').trim()].join(delimiter)
    const flags = Object.entries(settings).map(([name, value]) => `--${name}=${value}`)
    app = spawn('java', ['-XX:TieredStopAtLevel=1', '-cp', classpath, 'SpringApp', ...flags], { cwd: built })
    for (const stream of [app.stdout, app.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        log += chunk.toString('utf8')
      })
    }
    await until(async () => (await fetch(`${origin}/bye`).catch(() => undefined))?.status === 200)
  }, 120_000)
  afterAll(async () => {
    app?.kill()
    await provider?.writ.stop()
    rmSync(built, { recursive: true, force: true })
  })

  const until = async (isThere: () => Promise<boolean>) => {
    for (let round = 0; !(await isThere()); round += 1) {
      if (round > 600) throw new Error(`it never came:\n${log}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  const signedIn = async () => {
    const browser = openHttpBrowser()
    await goThere(`${origin}/me`, browser)
    return browser
  }

  test('signs a person in, and out again through the provider (RP-Initiated Logout §2)', async () => {
    const browser = await signedIn()
    expect(browser.page().text).toBe(`${provider.accountId} ${person.identifier}`)
    await browser.open(`${origin}/logout`)
    const back = await browser.submit({}, 'logout')
    expect([back.url, back.text]).toEqual([`${origin}/bye`, 'bye'])
    expect((await browser.open(`${origin}/me`)).text).toContain('name="password"')
  }, 60_000)

  test('is told when the person signs out elsewhere (Back-Channel Logout §2.5)', async () => {
    const browser = await signedIn()
    expect((await browser.open(`${origin}/me`)).text).toContain(provider.accountId)
    await browser.open(`${provider.writ.issuer}/oauth2/end_session`)
    await browser.submit({}, 'logout')
    await until(async () => (await browser.open(`${origin}/me`)).text.includes('name="password"'))
  }, 90_000)

  test('its API takes tokens for it, with the scope, and no others (RFC 9068 §4)', async () => {
    const { issuer } = provider.writ
    const as = (scopes: readonly string[], resource: string) =>
      signIn({
        issuer,
        client: { id: 'spring-app', secret, redirectUri: `${issuer}/app/cb` },
        user: person,
        scopes,
        resource: issuer + resource,
      })
    const ask = async (token = '') => {
      const answer = await fetch(`${origin}/api/whoami`, { headers: { authorization: `Bearer ${token}` } })
      return { status: answer.status, body: await answer.text() }
    }
    const { tokens } = await as(['openid', 'access'], '/api')
    const good = await ask(tokens.body.access_token)
    expect(JSON.parse(good.body)).toEqual({ sub: provider.accountId, client: 'spring-app', aud: [`${issuer}/api`] })
    expect((await ask(tokens.body.id_token)).status).toBe(401)
    expect((await ask((await as(['openid', 'access'], '/access')).tokens.body.access_token)).status).toBe(401)
    expect((await ask((await as(['openid'], '/api')).tokens.body.access_token)).status).toBe(403)
  }, 60_000)
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

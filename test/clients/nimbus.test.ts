import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { describeWith } from '../kit/availability.ts'
import { openProvider, type Provider, runClient } from './foreign-client.ts'

const source = fileURLToPath(new URL('./java/', import.meta.url))
const built = mkdtempSync(join(tmpdir(), 'writ-nimbus-client-'))
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

describeWith({ name: 'java', missing }, 'Nimbus OAuth 2.0 SDK (Java)', () => {
  let provider: Provider
  beforeAll(async () => {
    provider = await openProvider()
  }, 60_000)
  afterAll(async () => {
    await provider.writ.stop()
    rmSync(built, { recursive: true, force: true })
  })

  test('pushes its request, binds its tokens to a key, checks iss and the ID token, refreshes (RFC 9126, 9449, 9207)', async () => {
    const { issuer } = provider.writ
    const redirectUri = `${issuer}/app/cb`
    const clientSecret = await provider.createClient('nimbus', {
      redirectUris: [redirectUri],
      grantTypes: ['authorization_code', 'refresh_token'],
      scope: 'openid email offline_access',
    })
    const classpath = [join(built, 'classes'), readFileSync(classpathFile, 'utf8').trim()].join(delimiter)
    const settings = { issuer, clientId: 'nimbus', clientSecret, redirectUri }
    expect(await runClient('java', ['-cp', classpath, 'NimbusClient'], { cwd: built, settings })).toEqual({
      sub: provider.accountId,
      email: 'alice@example.test',
      tokenType: 'DPoP',
      stolen: 401,
      rotated: true,
    })
  }, 60_000)
})

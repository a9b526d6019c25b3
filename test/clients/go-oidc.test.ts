import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { describeWith } from '../kit/availability.ts'
import { openProvider, type Provider, runClient } from './foreign-client.ts'

const source = fileURLToPath(new URL('./go/', import.meta.url))
const built = mkdtempSync(join(tmpdir(), 'writ-go-client-'))
const binary = join(built, 'client')
const build = spawnSync('go', ['build', '-o', binary, '.'], { cwd: source, encoding: 'utf8', timeout: 240_000 })
const missing =
  build.status === 0 ? undefined : `Go, or its modules, are absent: ${build.error?.message ?? build.stderr.slice(-300)}`

describeWith({ name: 'go', missing }, 'go-oidc and x/oauth2 (Go)', () => {
  let provider: Provider
  beforeAll(async () => {
    provider = await openProvider()
  }, 60_000)
  afterAll(async () => {
    await provider.writ.stop()
    rmSync(built, { recursive: true, force: true })
  })

  test('discovers, signs a person in, verifies the ID token and its at_hash, reads userinfo, refreshes', async () => {
    const { issuer } = provider.writ
    const redirectUri = `${issuer}/app/cb`
    const clientSecret = await provider.createClient('go-app', {
      redirectUris: [redirectUri],
      grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
      scope: 'openid email offline_access access',
    })
    const settings = { issuer, clientId: 'go-app', clientSecret, redirectUri }
    expect(await runClient(binary, [], { cwd: built, settings })).toEqual({
      sub: provider.accountId,
      email: 'alice@example.test',
      verified: true,
      rotated: true,
      replay: 'invalid_grant',
      service: 'Bearer',
    })
  }, 60_000)
})

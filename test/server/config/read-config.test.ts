import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { ConfigurationError, readConfig } from '../../../server/config/read-config.ts'

const read = (env: { readonly [name: string]: string } = {}, args: readonly string[] = [], cwd = '/srv/writ') =>
  readConfig({ args, env, cwd })

function mistakes(env: { readonly [name: string]: string }, args: readonly string[] = []): readonly string[] {
  try {
    read(env, args)
    return []
  } catch (error) {
    if (error instanceof ConfigurationError) return error.mistakes
    throw error
  }
}

const key = 'k'.repeat(43)
const production = {
  WRIT_PROFILE: 'production',
  WRIT_ISSUER: 'https://id.example',
  DATABASE_URL: 'postgres://db/writ',
  WRIT_SECRET_KEY: key,
}

describe('settings (surface.md, Starting)', () => {
  test('development needs none', () => {
    expect(read()).toMatchObject({
      profile: 'development',
      host: '127.0.0.1',
      port: 3000,
      issuer: 'http://localhost:3000',
      dataFolder: '/srv/writ/.writ',
      trustedProxies: [],
    })
  })

  test('the issuer follows the port', () => {
    expect(read({ PORT: '4000' }).issuer).toBe('http://localhost:4000')
  })

  test('a flag wins over the environment, the environment over the file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'writ-config-'))
    writeFileSync(join(folder, 'writ.yaml'), 'port: 1111\nhost: 0.0.0.0\nlogLevel: error\n')
    const config = read({ PORT: '2222', HOST: '127.0.0.9' }, ['--config', 'writ.yaml', '--port', '3333'], folder)
    expect(config).toMatchObject({ port: 3333, host: '127.0.0.9', logLevel: 'error' })
    rmSync(folder, { recursive: true })
  })

  test('every mistake is told at once, and no value is repeated', () => {
    const found = mistakes({
      PORT: '99999',
      WRIT_ISSUER: 'ftp://x',
      WRIT_SECRET_KEY: 'short',
      WRIT_TRUSTED_PROXIES: '10.0.0.0/99',
    })
    expect(found.map((line) => line.split(' ')[0])).toEqual([
      'PORT',
      'WRIT_ISSUER',
      'WRIT_SECRET_KEY',
      'WRIT_TRUSTED_PROXIES',
    ])
    expect(found.join('\n')).not.toContain('short')
  })

  test.each([
    'https://id.example/',
    'https://id.example?x=1',
    'https://id.example#x',
    'https://u:p@id.example',
    'id.example',
  ])('refuses the issuer %s', (issuer) => expect(mistakes({ WRIT_ISSUER: issuer })).toHaveLength(1))

  test('an unknown flag and an unreadable file are mistakes', () => {
    expect(mistakes({}, ['--prot', '1'])).toHaveLength(1)
    expect(mistakes({}, ['--config', 'none.yaml'])).toEqual(['/srv/writ/none.yaml cannot be read'])
  })
})

describe('production (surface.md, WRIT_PROFILE)', () => {
  test('takes a whole configuration, and the embedded database by name', () => {
    expect(mistakes(production)).toEqual([])
    expect(read({ ...production, DATABASE_URL: 'embedded' })).not.toHaveProperty('databaseUrl')
  })

  test.each(['WRIT_ISSUER', 'DATABASE_URL', 'WRIT_SECRET_KEY'])('refuses to be without %s', (name) => {
    const { [name as keyof typeof production]: _, ...rest } = production
    expect(mistakes(rest)).toEqual([expect.stringContaining(name)])
  })

  test('refuses a plain-http issuer', () => {
    expect(mistakes({ ...production, WRIT_ISSUER: 'http://id.example' })).toEqual([expect.stringContaining('https')])
  })
})

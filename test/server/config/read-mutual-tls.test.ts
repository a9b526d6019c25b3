// Settings of TLS and of client certificates: half of either is a mistake, told with all others.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import { ConfigurationError, readConfig } from '../../../server/config/read-config.ts'
import { makeAuthority, makeCertificate } from '../../kit/certificates.ts'

const folder = mkdtempSync(join(tmpdir(), 'writ-tls-'))
const server = makeCertificate({ dns: ['localhost'] })
writeFileSync(join(folder, 'server.pem'), server.pem)
writeFileSync(join(folder, 'key.pem'), server.key)
writeFileSync(join(folder, 'clients.pem'), makeAuthority().pem + makeAuthority().pem)
afterAll(() => rmSync(folder, { recursive: true }))

const read = (env: { readonly [name: string]: string }) => readConfig({ args: [], env, cwd: folder })
function mistakes(env: { readonly [name: string]: string }): string {
  try {
    read(env)
    return ''
  } catch (error) {
    if (error instanceof ConfigurationError) return error.mistakes.join('\n')
    throw error
  }
}
const tls = { WRIT_ISSUER: 'https://id.example', WRIT_TLS_CERTIFICATE: 'server.pem', WRIT_TLS_KEY: 'key.pem' }

test('nothing is said, nothing is there', () => {
  const config = read({})
  expect(config).not.toHaveProperty('tls')
  expect(config).not.toHaveProperty('mtlsUrl')
})

test('TLS of our own, and a listener for clients at the issuer’s host', () => {
  const config = read({ ...tls, WRIT_MTLS_PORT: '8443', WRIT_CLIENT_AUTHORITIES: 'clients.pem' })
  expect(config).toMatchObject({
    tls: { certificate: server.pem, key: server.key },
    mtlsUrl: 'https://id.example:8443',
  })
  expect(read({ ...tls, WRIT_MTLS_PORT: '8443', WRIT_MTLS_URL: 'https://mtls.example' }).mtlsUrl).toBe(
    'https://mtls.example',
  )
})

test('behind a proxy the issuer itself is where clients call, unless another address is said', () => {
  const proxied = { WRIT_TRUSTED_PROXIES: '10.0.0.1', WRIT_CLIENT_CERTIFICATE_HEADER: 'x-ssl-client-cert' }
  expect(read({ ...proxied, WRIT_ISSUER: 'https://id.example' }).mtlsUrl).toBe('https://id.example')
})

test.each<[string, { readonly [name: string]: string }, RegExp]>([
  [
    'a certificate without its key',
    { WRIT_ISSUER: 'https://id.example', WRIT_TLS_CERTIFICATE: 'server.pem' },
    /go together/,
  ],
  ['TLS under a plain issuer', { ...tls, WRIT_ISSUER: 'http://id.example' }, /must be https where Writ speaks TLS/],
  ['a listener for clients without TLS', { WRIT_MTLS_PORT: '8443' }, /WRIT_MTLS_PORT needs/],
  ['a header of nobody', { WRIT_CLIENT_CERTIFICATE_HEADER: 'client-cert' }, /WRIT_TRUSTED_PROXIES/],
  ['a header that is none of the three', { WRIT_CLIENT_CERTIFICATE_HEADER: 'x-cert' }, /must be one of client-cert/],
  ['an address that leads nowhere', { WRIT_MTLS_URL: 'https://mtls.example' }, /WRIT_MTLS_URL needs/],
  ['a plain address', { WRIT_MTLS_URL: 'http://mtls.example' }, /must be https/],
  ['no PEM', { ...tls, WRIT_TLS_KEY: 'server.pem' }, /WRIT_TLS_KEY is not a readable PEM/],
  ['no file', { WRIT_CLIENT_AUTHORITIES: 'absent.pem' }, /WRIT_CLIENT_AUTHORITIES is not a readable PEM/],
  [
    'authorities that are none',
    { WRIT_CLIENT_AUTHORITIES: 'key.pem' },
    /WRIT_CLIENT_AUTHORITIES is not a readable PEM/,
  ],
])('a mistake: %s', (_what, env, said) => {
  expect(mistakes(env)).toMatch(said)
})

// Where a client's certificate comes from, and whether anybody stands behind it.
import type { IncomingMessage } from 'node:http'
import { expect, test } from '@jest/globals'
import { clientCertificateReader } from '../../../server/certificates/client-certificate.ts'
import type { CertificateHeader } from '../../../server/certificates/forwarded-certificate.ts'
import { isChained } from '../../../server/certificates/verify-chain.ts'
import { makeAuthority, makeCertificate, type TestCertificate } from '../../kit/certificates.ts'

const root = makeAuthority()
const middle = makeAuthority({ issuer: root })
const client = makeCertificate({ issuer: root })
const deep = makeCertificate({ issuer: middle })
const own = makeCertificate()

type Headers = { [name: string]: string | undefined }
const read = (headers: Headers, header: CertificateHeader | undefined, isProxy = true) => {
  // The reader looks at headers and socket alone.
  const request = { headers, socket: {} } as unknown as IncomingMessage
  const options = { isTrustedProxy: () => isProxy, header, authorities: root.pem, now: () => Date.now() }
  return clientCertificateReader(options)(request)()
}
const binary = ({ base64 }: TestCertificate) => `:${base64}:`
const escaped = ({ pem }: TestCertificate) => encodeURIComponent(pem)

test('RFC 9440: a byte sequence, and the chain beside it', () => {
  expect(read({ 'client-cert': binary(client) }, 'client-cert')).toMatchObject({ isVerified: true })
  expect(read({ 'client-cert': binary(own) }, 'client-cert')).toMatchObject({ isVerified: false })
  expect(read({ 'client-cert': binary(deep) }, 'client-cert')).toMatchObject({ isVerified: false })
  const chained = { 'client-cert': binary(deep), 'client-cert-chain': `${binary(middle)}, ${binary(root)}` }
  expect(read(chained, 'client-cert')).toMatchObject({ isVerified: true })
})

test('escaped PEM as nginx writes it', () => {
  expect(read({ 'x-ssl-client-cert': escaped(client) }, 'x-ssl-client-cert')).toMatchObject({ isVerified: true })
  expect(read({ 'x-ssl-client-cert': escaped(client) + escaped(own) }, 'x-ssl-client-cert')).toBeUndefined()
})

test('Envoy: one element, whose Cert and Chain count', () => {
  const form = 'x-forwarded-client-cert'
  const one = `By=spiffe://a;Hash=${'0'.repeat(64)};Cert="${escaped(deep)}";Chain="${escaped(deep)}${escaped(middle)}";Subject="CN=\\"x\\";,";URI=`
  expect(read({ [form]: one }, form)).toMatchObject({ isVerified: true, thumbprint: expect.any(String) })
  expect(read({ [form]: `Cert="${escaped(client)}",Cert="${escaped(own)}"` }, form)).toBeUndefined()
  expect(read({ [form]: `Cert="${escaped(client)}";Cert="${escaped(own)}"` }, form)).toBeUndefined()
  expect(read({ [form]: `Hash=${'0'.repeat(64)}` }, form)).toBeUndefined()
})

test.each<[string, Headers]>([
  ['two values', { 'client-cert': `${binary(client)}, ${binary(client)}` }],
  ['no byte sequence', { 'client-cert': client.base64 }],
  ['no certificate', { 'client-cert': ':AAAA:' }],
  ['a broken chain', { 'client-cert': binary(client), 'client-cert-chain': 'x' }],
  ['absent', {}],
])('no certificate: %s', (_what, headers) => {
  expect(read(headers, 'client-cert')).toBeUndefined()
})

test('a header of anybody else, or another one than is set, is taken away and counts for nothing (security.md row 6)', () => {
  const all = () => ({
    'client-cert': binary(client),
    'x-ssl-client-cert': escaped(client),
    'x-forwarded-client-cert': `Cert="${escaped(client)}"`,
    'client-cert-chain': binary(root),
    accept: '*/*',
  })
  for (const [header, isProxy] of [[undefined, true] as const, ['client-cert', false] as const]) {
    const headers: Headers = all()
    expect(read(headers, header, isProxy)).toBeUndefined()
    expect(headers).toEqual({ accept: '*/*' })
  }
  const others: Headers = { ...all(), 'client-cert': undefined }
  expect(read(others, 'client-cert')).toBeUndefined()
  expect(others).toEqual({ accept: '*/*' })
})

const judge = (certificate: TestCertificate, intermediates: readonly TestCertificate[] = [], authorities = [root]) =>
  isChained({
    certificate: certificate.x509,
    intermediates: intermediates.map(({ x509 }) => x509),
    authorities: authorities.map(({ x509 }) => x509),
    now: Date.now(),
  })
const yesterday = new Date(Date.now() - 86_400_000)
const clientUsage = '1.3.6.1.5.5.7.3.2'
const serverUsage = '1.3.6.1.5.5.7.3.1'

test('leads to an authority of the operator (RFC 5280 §6.1)', () => {
  expect(judge(client)).toBe(true)
  expect(judge(deep, [middle])).toBe(true)
  expect(judge(makeCertificate({ issuer: root, usages: [clientUsage] }))).toBe(true)
})

test.each<[string, () => boolean]>([
  ['nobody stands behind it', () => judge(own)],
  ['no authorities are set', () => judge(client, [], [])],
  ['another authority of the same name', () => judge(makeCertificate({ issuer: impostor() }))],
  ['expired', () => judge(makeCertificate({ issuer: root, notAfter: yesterday, notBefore: new Date(0) }))],
  ['not yet', () => judge(makeCertificate({ issuer: root, notBefore: new Date(Date.now() + 60_000) }))],
  ['for servers only', () => judge(makeCertificate({ issuer: root, usages: [serverUsage] }))],
  ['a critical extension that is not understood', () => judge(makeCertificate({ issuer: root, isStrange: true }))],
  ['signed by what is no authority', () => judge(makeCertificate({ issuer: client }), [client])],
  ['more authorities than the first allows', () => judge(...tooDeep())],
  ['an authority that has ended', () => judge(...ended())],
])('leads nowhere: %s', (_what, judged) => {
  expect(judged()).toBe(false)
})

const impostor = (): TestCertificate => ({ ...makeAuthority(), subjectDer: root.subjectDer })

function tooDeep(): Parameters<typeof judge> {
  const flat = makeAuthority({ issuer: root, pathLength: 0 })
  const below = makeAuthority({ issuer: flat })
  return [makeCertificate({ issuer: below }), [below, flat]]
}

function ended(): Parameters<typeof judge> {
  const old = makeAuthority({ issuer: root, notBefore: new Date(0), notAfter: yesterday })
  return [makeCertificate({ issuer: old }), [old]]
}

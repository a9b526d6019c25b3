// Is this the certificate that the client registered (RFC 8705 §2.1.2)?
import { expect, test } from '@jest/globals'
import { type SubjectMember, subjectMatches, subjectMistake } from '../../../server/certificates/subject-matches.ts'
import { makeCertificate } from '../../kit/certificates.ts'

const cn = '2.5.4.3'
const o = '2.5.4.10'
const ou = '2.5.4.11'
const c = '2.5.4.6'
const dn = (subject: Parameters<typeof makeCertificate>[0], text: string) =>
  subjectMatches(makeCertificate(subject).x509, 'tlsClientAuthSubjectDn', text)

const plain = { subject: [[[c, 'KR']], [[o, 'Acme, Inc.']], [[cn, 'app']]] as const }
const joined = {
  subject: [
    [[o, 'Acme']],
    [
      [ou, 'Pay'],
      [cn, 'app'],
    ],
  ] as const,
} as const

test.each([
  ['from special to general', plain, 'CN=app,O=Acme\\, Inc.,C=KR'],
  ['names of attributes have no case', plain, 'cn=app,o=Acme\\, Inc.,c=KR'],
  ['an escape by its hexadecimal pair', plain, 'CN=app,O=Acme\\2c Inc.,C=KR'],
  ['letters without case and single spaces (RFC 5280 §7.1)', plain, 'CN=APP, O=acme\\,   inc., C=kr'],
  ['attributes by their numbers', plain, '2.5.4.3=app,2.5.4.10=Acme\\, Inc.,OID.2.5.4.6=KR'],
  ['a value by its encoding', plain, 'CN=#0c03617070,O=Acme\\, Inc.,C=KR'],
  ['attributes of one part in any order', joined, 'CN=app+OU=Pay,O=Acme'],
  ['attributes of one part in their order', joined, 'OU=Pay+CN=app,O=Acme'],
  ['Korean', { subject: [[[o, '주식회사 라이트']]] as const }, 'O=주식회사 라이트'],
  ['escaped bytes of UTF-8', { subject: [[[o, 'Č']]] as const }, 'O=\\c4\\8c'],
  ['a space that is part of the value, escaped at the end', { subject: [[[o, 'a#b']]] as const }, 'O=a#b'],
])('a distinguished name is equal: %s', (_what, subject, text) => {
  expect(dn(subject, text)).toBe(true)
})

test.each([
  ['another value', plain, 'CN=app2,O=Acme\\, Inc.,C=KR'],
  ['the other way round', plain, 'C=KR,O=Acme\\, Inc.,CN=app'],
  ['less', plain, 'CN=app,O=Acme\\, Inc.'],
  ['more', plain, 'CN=app,OU=x,O=Acme\\, Inc.,C=KR'],
  ['a comma that is not escaped', plain, 'CN=app,O=Acme, Inc.,C=KR'],
  ['a value that looks like more parts', { subject: [[[cn, 'app,O=Acme']]] as const }, 'CN=app,O=Acme'],
  ['parts that look like a value', { subject: [[[o, 'Acme']], [[cn, 'app']]] as const }, 'CN=app\\,O=Acme'],
  ['one attribute of two', joined, 'CN=app,O=Acme'],
  ['one attribute twice', joined, 'CN=app+CN=app,O=Acme'],
  ['nothing', plain, ''],
  ['slashes', plain, '/C=KR/O=Acme, Inc./CN=app'],
  ['a NUL inside', { subject: [[[cn, 'app\0.evil']]] as const }, 'CN=app'],
])('a distinguished name is another one: %s', (_what, subject, text) => {
  expect(dn(subject, text)).toBe(false)
})

const names = {
  dns: ['app.example', '*.wild.example'],
  uri: ['https://app.example/Id', 'urn:app:1'],
  email: ['Ops@Example.test'],
  ip: [
    [192, 0, 2, 1],
    [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  ],
}
const x509 = makeCertificate(names).x509

test.each<[SubjectMember, string, boolean]>([
  ['tlsClientAuthSanDns', 'APP.example', true],
  ['tlsClientAuthSanDns', 'b.wild.example', false],
  ['tlsClientAuthSanDns', '*.wild.example', true],
  ['tlsClientAuthSanDns', 'https://app.example/Id', false],
  ['tlsClientAuthSanUri', 'https://app.example/Id', true],
  ['tlsClientAuthSanUri', 'https://app.example/id', false],
  ['tlsClientAuthSanUri', 'app.example', false],
  ['tlsClientAuthSanEmail', 'Ops@example.TEST', true],
  ['tlsClientAuthSanEmail', 'ops@example.test', false],
  ['tlsClientAuthSanIp', '192.0.2.1', true],
  ['tlsClientAuthSanIp', '192.0.2.2', false],
  ['tlsClientAuthSanIp', '2001:db8::1', true],
  ['tlsClientAuthSanIp', '2001:0DB8:0:0:0:0:0:1', true],
  ['tlsClientAuthSanIp', '2001:db8::2', false],
])('%s %s: %s (RFC 5280 §4.2.1.6)', (member, registered, isTheirs) => {
  expect(subjectMatches(x509, member, registered)).toBe(isTheirs)
})

test('a certificate without alternative names has none', () => {
  const bare = makeCertificate({ subject: [[[cn, 'app.example']]] }).x509
  expect(subjectMatches(bare, 'tlsClientAuthSanDns', 'app.example')).toBe(false)
})

test('what could never match is a mistake where it is registered', () => {
  expect(subjectMistake('tlsClientAuthSubjectDn', 'CN=a+OU=b,O=c')).toBeUndefined()
  expect(subjectMistake('tlsClientAuthSubjectDn', '/CN=a')).toBeDefined()
  expect(subjectMistake('tlsClientAuthSubjectDn', 'XYZZY=a')).toBeDefined()
  expect(subjectMistake('tlsClientAuthSanIp', '::1')).toBeUndefined()
  expect(subjectMistake('tlsClientAuthSanIp', 'localhost')).toBeDefined()
  expect(subjectMistake('tlsClientAuthSanDns', 'app.example')).toBeUndefined()
  expect(subjectMistake('tlsClientAuthSanDns', 'a b')).toBeDefined()
})

import type { X509Certificate } from 'node:crypto'
import { BlockList, isIP } from 'node:net'
import { type Der, readAll, readOnly, tags } from './der.ts'
import { isNamed, parseDistinguishedName } from './distinguished-name.ts'
import { readCertificate } from './read-certificate.ts'

/** What a client registers about its certificate, exactly one of them (RFC 8705 §2.1.2). */
export const subjectMembers = [
  'tlsClientAuthSubjectDn',
  'tlsClientAuthSanDns',
  'tlsClientAuthSanUri',
  'tlsClientAuthSanIp',
  'tlsClientAuthSanEmail',
] as const
export type SubjectMember = (typeof subjectMembers)[number]

const alternativeNames = '2.5.29.17'
/** Tags of RFC 5280 §4.2.1.6. */
const kinds = {
  tlsClientAuthSanEmail: 0x81,
  tlsClientAuthSanDns: 0x82,
  tlsClientAuthSanUri: 0x86,
  tlsClientAuthSanIp: 0x87,
} as const

/** Has the certificate this subject? False also for certificates that cannot be read. */
export function subjectMatches(certificate: X509Certificate, member: SubjectMember, registered: string): boolean {
  try {
    const { subject, extensions } = readCertificate(certificate.raw)
    if (member === 'tlsClientAuthSubjectDn') return isNamed(subject, registered)
    const extension = extensions.find(({ id }) => id === alternativeNames)
    if (!extension) return false
    const names = readAll(readOnly(extension.value, tags.sequence).content)
    return names.some((name) => name.tag === kinds[member] && isName(name, member, registered))
  } catch {
    return false
  }
}

/** Why nothing could ever match it, or undefined. */
export function subjectMistake(member: SubjectMember, registered: string): string | undefined {
  if (member === 'tlsClientAuthSubjectDn') {
    return parseDistinguishedName(registered) === undefined ? 'is no name of RFC 4514' : undefined
  }
  if (member === 'tlsClientAuthSanIp') return isIP(registered) === 0 ? 'is no address' : undefined
  return /^[\x21-\x7e]+$/.test(registered) ? undefined : 'has characters that no certificate carries there'
}

/** The whole value: a wildcard in a certificate stands for itself (RFC 8705 §2.1.2 names one entry, not a pattern). */
function isName(
  { content }: Der,
  member: Exclude<SubjectMember, 'tlsClientAuthSubjectDn'>,
  registered: string,
): boolean {
  if (member === 'tlsClientAuthSanIp') return isAddress(content, registered)
  const text = Buffer.from(content).toString('latin1')
  switch (member) {
    case 'tlsClientAuthSanDns':
      return text.toLowerCase() === registered.toLowerCase()
    case 'tlsClientAuthSanUri':
      return text === registered
    default:
      return mailbox(text) === mailbox(registered)
  }
}

/** The part after the `@` is a host, and no host has case (RFC 5280 §7.5). */
const mailbox = (text: string): string => text.replace(/@[^@]*$/, (host) => host.toLowerCase())

/** RFC 8705 §2.1.2: however the address is written (RFC 5952). */
function isAddress(octets: Uint8Array, registered: string): boolean {
  const text =
    octets.length === 4
      ? [...octets].join('.')
      : Array.from({ length: 8 }, (_, at) =>
          (((octets[2 * at] ?? 0) << 8) | (octets[2 * at + 1] ?? 0)).toString(16),
        ).join(':')
  const family = octets.length === 4 ? 'ipv4' : 'ipv6'
  if ((octets.length !== 4 && octets.length !== 16) || isIP(registered) !== (family === 'ipv4' ? 4 : 6)) return false
  const list = new BlockList()
  list.addAddress(text, family)
  return list.check(registered, family)
}

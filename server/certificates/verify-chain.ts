import type { X509Certificate } from 'node:crypto'
import { readAll, readOnly, tags } from './der.ts'
import { readCertificate } from './read-certificate.ts'

const clientAuthentication = '1.3.6.1.5.5.7.3.2'
const basicConstraints = '2.5.29.19'
/** Critical extensions that are judged here or by Node.js: constraints, usages, alternative names. What else is critical is not understood. */
const understood: ReadonlySet<string> = new Set([basicConstraints, '2.5.29.15', '2.5.29.37', '2.5.29.17'])
const longestChain = 6

export type Chain = {
  readonly certificate: X509Certificate
  /** What came along: anybody's, until it leads somewhere. */
  readonly intermediates: readonly X509Certificate[]
  readonly authorities: readonly X509Certificate[]
  readonly now: number
}

/** Does the certificate lead to an authority that the operator named (RFC 5280 §6.1)? What is not understood is refused. */
export function isChained({ certificate, intermediates, authorities, now }: Chain): boolean {
  try {
    const { keyUsage } = certificate
    // Node.js calls the *extended* usages so.
    if (keyUsage?.length && !keyUsage.includes(clientAuthentication)) return false
    return leadsTo(certificate, { intermediates, authorities, now }, 0)
  } catch {
    return false
  }
}

function leadsTo(certificate: X509Certificate, chain: Omit<Chain, 'certificate'>, below: number): boolean {
  if (below >= longestChain || !isSound(certificate, chain.now)) return false
  const signs = (issuer: X509Certificate) =>
    issuer.ca &&
    certificate.checkIssued(issuer) &&
    certificate.verify(issuer.publicKey) &&
    isSound(issuer, chain.now) &&
    below <= pathLength(issuer)
  if (chain.authorities.some(signs)) return true
  return chain.intermediates.some((issuer) => signs(issuer) && leadsTo(issuer, chain, below + 1))
}

/** In its time, without extensions that nobody here understands, not signed by a digest that is broken. */
function isSound(certificate: X509Certificate, now: number): boolean {
  if (certificate.validFromDate.getTime() > now || certificate.validToDate.getTime() < now) return false
  if (/md5|sha-?1(?!\d)/i.test(certificate.signatureAlgorithm ?? '')) return false
  return readCertificate(certificate.raw).extensions.every(({ id, isCritical }) => !isCritical || understood.has(id))
}

/** How many authorities may stand below this one (RFC 5280 §4.2.1.9). */
function pathLength(authority: X509Certificate): number {
  const extension = readCertificate(authority.raw).extensions.find(({ id }) => id === basicConstraints)
  if (!extension) return Number.POSITIVE_INFINITY
  const stated = readAll(readOnly(extension.value, tags.sequence).content).find(({ tag }) => tag === tags.integer)
  return stated ? Number.parseInt(Buffer.from(stated.content).toString('hex'), 16) : Number.POSITIVE_INFINITY
}

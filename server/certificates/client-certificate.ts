import { hash, X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import { type CertificateHeader, readForwarded, strippedHeaders } from './forwarded-certificate.ts'
import { isChained } from './verify-chain.ts'

/** What a client showed on this connection. Whoever has it holds its key; who that is, only `isVerified` lets it say. */
export type ClientCertificate = {
  readonly x509: X509Certificate
  /** `x5t#S256` (RFC 8705 §3.1). */
  readonly thumbprint: string
  /** It leads to an authority that the operator named. */
  readonly isVerified: boolean
}

export type CertificateReaderOptions = {
  /** True for sockets of proxies whose headers count. */
  readonly isTrustedProxy: (request: IncomingMessage) => boolean
  /** Absent: no header counts. */
  readonly header?: CertificateHeader | undefined
  /** PEM; absent: no certificate is verified. */
  readonly authorities?: string | undefined
  readonly now: () => number
}

/**
 * Answers what reads a request's certificate. At once, and for every request, it takes the headers away that could pass for one
 * (security.md row 6); what a trusted proxy said is kept for the answer.
 */
export function clientCertificateReader({ isTrustedProxy, header, authorities, now }: CertificateReaderOptions) {
  const trusted = authorities === undefined ? [] : readAuthorities(authorities)
  const forwarded = (request: IncomingMessage): (() => ClientCertificate | undefined) | undefined => {
    if (header === undefined || !isTrustedProxy(request)) return undefined
    const headers = { [header]: request.headers[header], 'client-cert-chain': request.headers['client-cert-chain'] }
    return () => {
      const found = readForwarded(headers, header)
      if (!found) return undefined
      const isVerified = isChained({ ...found, certificate: found.certificate, authorities: trusted, now: now() })
      return certificateOf(found.certificate, isVerified)
    }
  }
  return (request: IncomingMessage): (() => ClientCertificate | undefined) => {
    // ORDER: read before it is taken away. The proxy's own certificate is never its client's.
    const read = forwarded(request) ?? (() => ofSocket(request.socket, trusted.length > 0))
    for (const name of strippedHeaders) delete request.headers[name]
    let found: { readonly certificate: ClientCertificate | undefined } | undefined
    return () => {
      found ??= { certificate: read() }
      return found.certificate
    }
  }
}

/** Of a file that may hold several; throws where one cannot be read. */
export function readAuthorities(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []
  return blocks.map((block) => new X509Certificate(block))
}

/** `authorized` says of sockets without authorities what the machine's own list says, which is about servers. */
function ofSocket(socket: unknown, hasAuthorities: boolean): ClientCertificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined
  const x509 = socket.getPeerX509Certificate()
  return x509 && certificateOf(x509, hasAuthorities && socket.authorized)
}

const certificateOf = (x509: X509Certificate, isVerified: boolean): ClientCertificate => ({
  x509,
  thumbprint: hash('sha256', x509.raw, 'base64url'),
  isVerified,
})

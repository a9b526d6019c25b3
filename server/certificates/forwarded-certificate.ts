import { X509Certificate } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** How a proxy tells whose certificate it took: RFC 9440, escaped PEM (nginx), Envoy's. */
export const certificateHeaders = ['client-cert', 'x-ssl-client-cert', 'x-forwarded-client-cert'] as const
export type CertificateHeader = (typeof certificateHeaders)[number]

export type Forwarded = { readonly certificate: X509Certificate; readonly intermediates: readonly X509Certificate[] }

/** Every header that could be taken for one of them, by us or by what stands behind us. */
export const strippedHeaders = [
  ...certificateHeaders,
  'client-cert-chain',
  'x-client-cert',
  'x-ssl-client-verify',
  'ssl-client-cert',
] as const

const longest = 64 * 1024

/** Undefined where it is absent or not exactly one certificate. */
export function readForwarded(headers: IncomingHttpHeaders, form: CertificateHeader): Forwarded | undefined {
  const text = headers[form]
  if (typeof text !== 'string' || text === '' || text.length > longest) return undefined
  try {
    switch (form) {
      case 'client-cert':
        return { certificate: readBinary(text), intermediates: readBinaries(headers['client-cert-chain']) }
      case 'x-ssl-client-cert':
        return { certificate: readPem(text), intermediates: [] }
      case 'x-forwarded-client-cert':
        return readEnvoy(text)
    }
  } catch {
    return undefined
  }
}

/** A byte sequence of RFC 8941 §3.3.5. */
function readBinary(text: string): X509Certificate {
  const encoded = /^ *:([A-Za-z0-9+/]+={0,2}): *$/.exec(text)?.[1]
  if (encoded === undefined) throw new Error('no byte sequence')
  return new X509Certificate(Buffer.from(encoded, 'base64'))
}

function readBinaries(header: string | string[] | undefined): X509Certificate[] {
  const text = Array.isArray(header) ? header.join(',') : (header ?? '')
  return text === '' ? [] : text.split(',').map(readBinary)
}

const pemBlock = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

function readPems(escaped: string): X509Certificate[] {
  return [...decodeURIComponent(escaped).matchAll(pemBlock)].map(([pem]) => new X509Certificate(pem))
}

function readPem(escaped: string): X509Certificate {
  const [certificate, ...others] = readPems(escaped)
  if (!certificate || others.length > 0) throw new Error('not one certificate')
  return certificate
}

/**
 * One element only: with several, the proxy has kept what its own client sent, and whose word that is nobody can tell
 * (`forward_client_cert_details` must be SANITIZE_SET).
 */
function readEnvoy(text: string): Forwarded {
  const members = new Map<string, string>()
  for (let rest = text; rest !== ''; ) {
    const member = /^\s*([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;]*))\s*(;|$)/.exec(rest)
    if (!member?.[1]) throw new Error('not one element')
    const name = member[1].toLowerCase()
    if (name === 'cert' && members.has(name)) throw new Error('two certificates')
    members.set(name, member[2] ?? member[3] ?? '')
    rest = rest.slice(member[0].length)
  }
  return {
    certificate: readPem(members.get('cert') ?? ''),
    // The first of the chain is the certificate itself.
    intermediates: readPems(members.get('chain') ?? '').slice(1),
  }
}

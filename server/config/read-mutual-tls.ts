import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { readAuthorities } from '../certificates/client-certificate.ts'
import type { Config } from './config.ts'
import type { SettingKey } from './settings.ts'

type Values = { readonly [K in SettingKey]?: unknown }
type MutualTls = Pick<Config, 'tls' | 'clientAuthorities' | 'mtlsPort' | 'mtlsUrl' | 'clientCertificateHeader'>

/** TLS of our own, and where client certificates come from: from it, or from a proxy. Half of either is a mistake, not a weaker form. */
export function readMutualTls(
  values: Values,
  cwd: string,
  { issuer, trustedProxies }: Pick<Config, 'issuer' | 'trustedProxies'>,
): MutualTls & { readonly mistakes: readonly string[] } {
  const mistakes: string[] = []
  const read = (key: SettingKey, name: string, judge: (pem: string) => boolean): string | undefined => {
    const path = values[key]
    if (typeof path !== 'string') return undefined
    try {
      const pem = readFileSync(resolve(cwd, path), 'utf8')
      if (judge(pem)) return pem
    } catch {
      // Said below, as every file that is not what it should be.
    }
    mistakes.push(`${name} is not a readable PEM file`)
    return undefined
  }
  const certificate = read('tlsCertificate', 'WRIT_TLS_CERTIFICATE', (pem) => new X509Certificate(pem).raw.length > 0)
  const key = read('tlsKey', 'WRIT_TLS_KEY', (pem) => createPrivateKey(pem).type === 'private')
  const clientAuthorities = read(
    'clientAuthorities',
    'WRIT_CLIENT_AUTHORITIES',
    (pem) => readAuthorities(pem).length > 0,
  )
  // Each has passed the form of its row in the table of settings.
  const { mtlsPort, mtlsUrl, clientCertificateHeader } = values as Pick<
    Config,
    'mtlsPort' | 'mtlsUrl' | 'clientCertificateHeader'
  >
  const hasTls = values.tlsCertificate !== undefined
  if (hasTls !== (values.tlsKey !== undefined)) mistakes.push('WRIT_TLS_CERTIFICATE and WRIT_TLS_KEY go together')
  if (mtlsPort !== undefined && !hasTls) mistakes.push('WRIT_MTLS_PORT needs WRIT_TLS_CERTIFICATE and WRIT_TLS_KEY')
  if (clientCertificateHeader !== undefined && trustedProxies.length === 0) {
    mistakes.push('WRIT_CLIENT_CERTIFICATE_HEADER needs WRIT_TRUSTED_PROXIES: whose word counts')
  }
  if (mtlsUrl !== undefined && mtlsPort === undefined && clientCertificateHeader === undefined) {
    mistakes.push('WRIT_MTLS_URL needs WRIT_MTLS_PORT or WRIT_CLIENT_CERTIFICATE_HEADER')
  }
  if (hasTls && !issuer.startsWith('https:')) mistakes.push('WRIT_ISSUER must be https where Writ speaks TLS')
  const address = mtlsUrl ?? defaultUrl(issuer, { mtlsPort, clientCertificateHeader })
  return {
    mistakes,
    ...(certificate !== undefined && key !== undefined ? { tls: { certificate, key } } : {}),
    ...(clientAuthorities === undefined ? {} : { clientAuthorities }),
    ...(mtlsPort === undefined ? {} : { mtlsPort }),
    ...(clientCertificateHeader === undefined ? {} : { clientCertificateHeader }),
    ...(address === undefined ? {} : { mtlsUrl: address }),
  }
}

/** The issuer's host at the other port; or behind a proxy that asks everybody, the issuer itself. */
function defaultUrl(
  issuer: string,
  {
    mtlsPort,
    clientCertificateHeader,
  }: { readonly mtlsPort: number | undefined; readonly clientCertificateHeader: string | undefined },
): string | undefined {
  if (mtlsPort === undefined) return clientCertificateHeader === undefined ? undefined : issuer
  const url = new URL(issuer)
  return `https://${url.hostname}:${mtlsPort}${url.pathname === '/' ? '' : url.pathname}`
}

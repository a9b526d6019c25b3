import type { CertificateHeader } from '../certificates/forwarded-certificate.ts'

/** Settings after validation; where each comes from stands in `surface.md` (environment, flag, config file). */
export type Config = {
  readonly profile: 'development' | 'production'
  readonly host: string
  readonly port: number
  /** Public base URL without a trailing slash. */
  readonly issuer: string
  /** Absolute path of the data folder. */
  readonly dataFolder: string
  readonly databaseUrl?: string
  readonly databaseMigrationUrl?: string
  readonly secretKey?: string
  readonly trustedProxies: readonly string[]
  /** PEM: Writ itself speaks TLS. Absent: a proxy in front does. */
  readonly tls?: { readonly certificate: string; readonly key: string }
  /** PEM: authorities whose client certificates say who a client is (RFC 8705 §2.1). */
  readonly clientAuthorities?: string
  /** A second listener, which asks for client certificates, so that browsers at the first are not asked. */
  readonly mtlsPort?: number
  /** Where clients with certificates reach this server (RFC 8705 §5); absent: there is no such thing. */
  readonly mtlsUrl?: string
  /** The header in which trusted proxies tell a client's certificate. */
  readonly clientCertificateHeader?: CertificateHeader
  /** `smtp://…`; absent in development: the inbox at /dev/mail. */
  readonly smtpUrl?: string
  readonly mailFrom: string
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  readonly setupFile?: string
  /** Of the pages of lists, the part whose rows are judged again (SPEC 7.7): 0 to 1. */
  readonly rejudgedLists: number
}

import { isIP } from 'node:net'
import { z } from 'zod'
import { certificateHeaders } from '../certificates/forwarded-certificate.ts'

/** One setting: its names in the three places that it may come from, and what it must look like. */
export type Setting = {
  readonly env: string
  readonly flag: string
  readonly key: string
  readonly form: z.ZodType
}

const text = z.string().min(1)
const baseUrl = z
  .string()
  .refine(isBaseUrl, 'must be an http or https URL without query, fragment, user or trailing slash')
const databaseUrl = z
  .string()
  .refine(
    (value) => value === 'embedded' || /^postgres(?:ql)?:\/\/./.test(value),
    'must be postgres://… or the word embedded',
  )

/** THE TABLE of settings (`surface.md`, Starting). A flag wins over the environment, the environment over the file. */
export const settings = [
  { key: 'profile', env: 'WRIT_PROFILE', flag: 'profile', form: z.enum(['development', 'production']) },
  { key: 'host', env: 'HOST', flag: 'host', form: text },
  { key: 'port', env: 'PORT', flag: 'port', form: z.coerce.number('must be a number').int().min(0).max(65_535) },
  { key: 'issuer', env: 'WRIT_ISSUER', flag: 'issuer', form: baseUrl },
  { key: 'data', env: 'WRIT_DATA', flag: 'data', form: text },
  { key: 'databaseUrl', env: 'DATABASE_URL', flag: 'database-url', form: databaseUrl },
  { key: 'databaseMigrationUrl', env: 'DATABASE_MIGRATION_URL', flag: 'database-migration-url', form: databaseUrl },
  {
    key: 'secretKey',
    env: 'WRIT_SECRET_KEY',
    flag: 'secret-key',
    form: z.string().min(32, 'must have at least 32 characters'),
  },
  {
    key: 'trustedProxies',
    env: 'WRIT_TRUSTED_PROXIES',
    flag: 'trusted-proxies',
    form: z.preprocess(splitList, z.array(z.string().refine(isRange, 'must be addresses or CIDR ranges'))),
  },
  { key: 'tlsCertificate', env: 'WRIT_TLS_CERTIFICATE', flag: 'tls-certificate', form: text },
  { key: 'tlsKey', env: 'WRIT_TLS_KEY', flag: 'tls-key', form: text },
  { key: 'clientAuthorities', env: 'WRIT_CLIENT_AUTHORITIES', flag: 'client-authorities', form: text },
  {
    key: 'mtlsPort',
    env: 'WRIT_MTLS_PORT',
    flag: 'mtls-port',
    form: z.coerce.number('must be a number').int().min(0).max(65_535),
  },
  { key: 'mtlsUrl', env: 'WRIT_MTLS_URL', flag: 'mtls-url', form: baseUrl.startsWith('https:', 'must be https') },
  {
    key: 'clientCertificateHeader',
    env: 'WRIT_CLIENT_CERTIFICATE_HEADER',
    flag: 'client-certificate-header',
    form: z.enum(certificateHeaders),
  },
  {
    key: 'smtpUrl',
    env: 'WRIT_SMTP_URL',
    flag: 'smtp-url',
    form: z.string().regex(/^smtps?:\/\/./, 'must be smtp://… or smtps://…'),
  },
  { key: 'mailFrom', env: 'WRIT_MAIL_FROM', flag: 'mail-from', form: z.string().includes('@') },
  {
    key: 'logLevel',
    env: 'WRIT_LOG_LEVEL',
    flag: 'log-level',
    form: z.enum(['debug', 'info', 'warn', 'error', 'silent']),
  },
  {
    key: 'rejudgedLists',
    env: 'WRIT_REJUDGED_LISTS',
    flag: 'rejudged-lists',
    form: z.coerce.number('must be a number').min(0).max(1),
  },
  { key: 'setupFile', env: 'WRIT_SETUP_FILE', flag: 'setup-file', form: text },
] as const satisfies readonly Setting[]

export type SettingKey = (typeof settings)[number]['key']

function isBaseUrl(value: string): boolean {
  if (!URL.canParse(value) || value.endsWith('/')) return false
  const url = new URL(value)
  const isPlain = url.search === '' && url.hash === '' && url.username === '' && url.password === ''
  return (
    (url.protocol === 'http:' || url.protocol === 'https:') && isPlain && !value.includes('?') && !value.includes('#')
  )
}

function splitList(value: unknown): unknown {
  if (typeof value !== 'string') return value
  return value.split(/[\s,]+/).filter((part) => part !== '')
}

function isRange(value: string): boolean {
  const [address = '', bits, ...rest] = value.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
}

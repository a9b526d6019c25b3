import { generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto'

/** Certificates as tests need them, odd ones too: written as DER here, so that no tool has to be installed. */
export type CertificateAsked = {
  /** From general to special; several attributes may make one part: `[['2.5.4.10', 'Acme']]`. */
  readonly subject?: readonly (readonly (readonly [type: string, text: string])[])[]
  readonly dns?: readonly string[]
  readonly uri?: readonly string[]
  readonly email?: readonly string[]
  /** Octets. */
  readonly ip?: readonly (readonly number[])[]
  /** Absent: it signs itself. */
  readonly issuer?: TestCertificate
  readonly isAuthority?: boolean
  readonly pathLength?: number
  readonly usages?: readonly string[]
  readonly notBefore?: Date
  readonly notAfter?: Date
  /** A critical extension that nobody knows. */
  readonly isStrange?: boolean
}

export type TestCertificate = {
  readonly pem: string
  readonly key: string
  readonly x509: X509Certificate
  /** `x5c` of a JWK. */
  readonly base64: string
  readonly privateKey: KeyObject
  readonly subjectDer: Buffer
}

export function makeCertificate(asked: CertificateAsked = {}): TestCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const subjectDer = nameOf(asked.subject ?? [[['2.5.4.3', `client-${randomBytes(4).toString('hex')}`]]])
  const body = sequence(
    der(0xa0, integer(2)),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    asked.issuer?.subjectDer ?? subjectDer,
    sequence(
      time(asked.notBefore ?? new Date(Date.now() - 86_400_000)),
      time(asked.notAfter ?? new Date(Date.now() + 86_400_000)),
    ),
    subjectDer,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensionsOf(asked))),
  )
  const signature = sign('sha256', body, asked.issuer?.privateKey ?? privateKey)
  const raw = sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature])))
  const base64 = raw.toString('base64')
  const pem = `-----BEGIN CERTIFICATE-----\n${base64.match(/.{1,64}/g)?.join('\n')}\n-----END CERTIFICATE-----\n`
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return { pem, key, x509: new X509Certificate(raw), base64, privateKey, subjectDer }
}

export const makeAuthority = (asked: CertificateAsked = {}): TestCertificate =>
  makeCertificate({
    subject: [[['2.5.4.3', `authority-${randomBytes(4).toString('hex')}`]]],
    ...asked,
    isAuthority: true,
  })

function der(tag: number, content: Uint8Array): Buffer {
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, Buffer.concat(parts))
const integer = (value: number): Buffer => der(0x02, Buffer.from([value]))
const time = (date: Date): Buffer => der(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`))

function identifier(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  const octets = [first * 40 + second, ...rest].flatMap((part) => {
    const digits = [part & 127]
    for (let more = Math.floor(part / 128); more > 0; more = Math.floor(more / 128)) digits.unshift((more & 127) | 128)
    return digits
  })
  return der(0x06, Buffer.from(octets))
}

/** ecdsa-with-SHA256. */
const algorithm = sequence(identifier('1.2.840.10045.4.3.2'))

const nameOf = (parts: NonNullable<CertificateAsked['subject']>): Buffer =>
  sequence(
    ...parts.map((attributes) =>
      der(
        0x31,
        Buffer.concat(attributes.map(([type, text]) => sequence(identifier(type), der(0x0c, Buffer.from(text))))),
      ),
    ),
  )

function extensionsOf({ dns = [], uri = [], email = [], ip = [], ...asked }: CertificateAsked): Buffer[] {
  const names = [
    ...email.map((text) => der(0x81, Buffer.from(text))),
    ...dns.map((text) => der(0x82, Buffer.from(text))),
    ...uri.map((text) => der(0x86, Buffer.from(text))),
    ...ip.map((octets) => der(0x87, Buffer.from(octets))),
  ]
  const limit = asked.pathLength === undefined ? [] : [integer(asked.pathLength)]
  const constraints = asked.isAuthority ? [der(0x01, Buffer.from([255])), ...limit] : []
  return [
    extension('2.5.29.19', sequence(...constraints), true),
    ...(names.length > 0 ? [extension('2.5.29.17', sequence(...names))] : []),
    ...(asked.usages ? [extension('2.5.29.37', sequence(...asked.usages.map(identifier)))] : []),
    ...(asked.isStrange ? [extension('1.3.6.1.4.1.99999.1', integer(1), true)] : []),
  ]
}

const extension = (id: string, value: Buffer, isCritical = false): Buffer =>
  sequence(identifier(id), ...(isCritical ? [der(0x01, Buffer.from([255]))] : []), der(0x04, value))

import { type Der, readAll, readObjectIdentifier, readOnly, tags } from './der.ts'

export type Extension = { readonly id: string; readonly isCritical: boolean; readonly value: Uint8Array }

/** One attribute of a name: `2.5.4.3`, its value as it stands, and as text where it is text. */
export type NameAttribute = { readonly type: string; readonly der: Uint8Array; readonly text: string | undefined }
/** From the most general to the most special, as certificates hold it (RFC 5280 §4.1.2.4). */
export type Name = readonly (readonly NameAttribute[])[]

export type CertificateParts = { readonly subject: Name; readonly extensions: readonly Extension[] }

/** What Node.js does not tell without ambiguity about a certificate (RFC 5280 §4.1). Throws for what is none. */
export function readCertificate(raw: Uint8Array): CertificateParts {
  const [body] = readAll(readOnly(raw, tags.sequence).content)
  if (body?.tag !== tags.sequence) throw new Error('certificate: no body')
  const fields = readAll(body.content)
  // The version stands first where it is stated; serial, algorithm, issuer and validity before the subject.
  const subject = fields[fields[0]?.tag === 0xa0 ? 5 : 4]
  const extensions = fields.find(({ tag }) => tag === 0xa3)
  if (subject?.tag !== tags.sequence) throw new Error('certificate: no subject')
  return {
    subject: readName(subject),
    extensions: extensions ? readAll(readOnly(extensions.content, tags.sequence).content).map(readExtension) : [],
  }
}

function readExtension(value: Der): Extension {
  const parts = readAll(readOnly(value.whole, tags.sequence).content)
  const [id] = parts
  const last = parts.at(-1)
  if (id?.tag !== tags.objectIdentifier || last?.tag !== tags.octetString) throw new Error('certificate: no extension')
  const flag = parts.length === 3 ? parts[1] : undefined
  return {
    id: readObjectIdentifier(id.content),
    isCritical: flag?.tag === tags.boolean && flag.content[0] !== 0,
    value: last.content,
  }
}

function readName({ content }: Der): Name {
  return readAll(content).map((set) =>
    readAll(readOnly(set.whole, tags.set).content).map((attribute) => {
      const [type, value] = readAll(readOnly(attribute.whole, tags.sequence).content)
      if (type?.tag !== tags.objectIdentifier || !value) throw new Error('certificate: no attribute')
      return { type: readObjectIdentifier(type.content), der: value.whole, text: readText(value) }
    }),
  )
}

/** The string types of X.520 names; another one has no text. */
export function readText({ tag, content }: Der): string | undefined {
  switch (tag) {
    case 0x0c:
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content)
    case 0x12:
    case 0x13:
    case 0x14:
    case 0x16:
      return Buffer.from(content).toString('latin1')
    case 0x1e:
      return new TextDecoder('utf-16be', { fatal: true, ignoreBOM: true }).decode(content)
    default:
      return undefined
  }
}

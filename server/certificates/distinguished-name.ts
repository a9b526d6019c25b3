import { readOnly } from './der.ts'
import { type Name, readText } from './read-certificate.ts'

/** What a registered name asks of one attribute: a text, or exact bytes (`#` and hexadecimal). */
type Asked = { readonly type: string; readonly value: string }

/** RFC 4514 §3 and RFC 4519, and what certificate tools write for the rest; elsewhere an attribute is named by its number. */
const attributeTypes: { readonly [name: string]: string } = {
  CN: '2.5.4.3',
  SN: '2.5.4.4',
  SERIALNUMBER: '2.5.4.5',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  STREET: '2.5.4.9',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  TITLE: '2.5.4.12',
  BUSINESSCATEGORY: '2.5.4.15',
  POSTALCODE: '2.5.4.17',
  GN: '2.5.4.42',
  GIVENNAME: '2.5.4.42',
  ORGANIZATIONIDENTIFIER: '2.5.4.97',
  JURISDICTIONL: '1.3.6.1.4.1.311.60.2.1.1',
  JURISDICTIONST: '1.3.6.1.4.1.311.60.2.1.2',
  JURISDICTIONC: '1.3.6.1.4.1.311.60.2.1.3',
  DC: '0.9.2342.19200300.100.1.25',
  UID: '0.9.2342.19200300.100.1.1',
  EMAILADDRESS: '1.2.840.113549.1.9.1',
}

/**
 * Is this the certificate's subject? Compared value by value, never as text (RFC 4514 §2: two texts may be one name): order counts
 * between the parts, not inside of one; letters by RFC 5280 §7.1, without case and with single spaces.
 */
export function isNamed(subject: Name, registered: string): boolean {
  const asked = parseDistinguishedName(registered)
  if (!asked || asked.length === 0 || asked.length !== subject.length) return false
  return subject.every((attributes, index) => {
    const found = attributes.flatMap(({ type, der, text }) => [
      { type, value: `#${Buffer.from(der).toString('hex')}` },
      ...(text === undefined ? [] : [{ type, value: `=${folded(text)}` }]),
    ])
    const wanted = asked[index] ?? []
    return (
      wanted.length === attributes.length &&
      new Set(wanted.map(({ type }) => type)).size === wanted.length &&
      wanted.every(({ type, value }) => found.some((one) => one.type === type && one.value === value))
    )
  })
}

const folded = (text: string): string => text.normalize('NFKC').toLowerCase().trim().replace(/\s+/g, ' ')

/** From the most general to the most special part (a text stands the other way round, RFC 4514 §2.1); undefined for what is no name. */
export function parseDistinguishedName(text: string): readonly (readonly Asked[])[] | undefined {
  const parts: Asked[][] = [[]]
  for (let at = 0; at <= text.length; ) {
    const pair = /^ *([A-Za-z][A-Za-z0-9-]*|(?:OID\.)?\d+(?:\.\d+)+) *= */i.exec(text.slice(at))
    if (!pair?.[1]) return undefined
    const type = typeOf(pair[1])
    const read = readValue(text, at + pair[0].length)
    if (type === undefined || !read) return undefined
    parts.at(-1)?.push({ type, value: read.value })
    const separator = text[read.end]
    if (separator === undefined) return parts.reverse()
    if (separator === ',') parts.push([])
    at = read.end + 1
  }
  return undefined
}

const typeOf = (name: string): string | undefined =>
  /^(OID\.)?\d/i.test(name) ? name.replace(/^OID\./i, '') : attributeTypes[name.toUpperCase()]

type Read = { readonly value: string; readonly end: number }

/** RFC 4514 §3: up to a `,` or `+` that is not escaped. */
function readValue(text: string, start: number): Read | undefined {
  if (text[start] === '#') return readHex(text, start)
  const bytes: number[] = []
  let end = start
  // Spaces at the end that are not escaped are none of the value.
  let kept = 0
  while (end < text.length && text[end] !== ',' && text[end] !== '+') {
    const escaped = /^\\(?:([0-9a-f]{2})|([ "#+,;<=>\\]))/i.exec(text.slice(end, end + 3))
    const plain = escaped ? undefined : String.fromCodePoint(text.codePointAt(end) ?? 0)
    if (plain !== undefined && /["\\;<>\0]/.test(plain)) return undefined
    const [whole = plain ?? '', hex, special] = escaped ?? []
    bytes.push(...(hex !== undefined ? [Number.parseInt(hex, 16)] : Buffer.from(special ?? plain ?? '')))
    if (plain !== ' ') kept = bytes.length
    end += whole.length
  }
  try {
    const value = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      Uint8Array.from(bytes.slice(0, kept)),
    )
    return { value: `=${folded(value)}`, end }
  } catch {
    return undefined
  }
}

/** The value's own encoding: what is text in it is compared as text. */
function readHex(text: string, start: number): Read | undefined {
  const digits = /^#((?:[0-9a-f]{2})+) *(?=[,+]|$)/i.exec(text.slice(start))
  if (!digits?.[1]) return undefined
  const end = start + digits[0].length
  try {
    const value = readText(readOnly(Buffer.from(digits[1], 'hex')))
    return { value: value === undefined ? `#${digits[1].toLowerCase()}` : `=${folded(value)}`, end }
  } catch {
    return undefined
  }
}

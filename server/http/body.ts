import type { IncomingMessage } from 'node:http'
import { parseStrictJson } from '../../policy-lang/index.ts'
import type { JsonValue } from '../decision/decision-point.ts'
import { errors } from './errors.ts'
import { limits } from './limits.ts'

/**
 * The one door for JSON bodies: media type, size, UTF-8, then strict parsing (duplicate members, NUL, depth). Answers the
 * value; 415, 413 or 400 otherwise. `limit` in bytes.
 */
export async function readJson(request: IncomingMessage, limit: number = limits.jsonBytes): Promise<JsonValue> {
  requireMediaType(request, 'application/json')
  return parseJson(await readText(request, limit, errors.malformed_json))
}

/** The same strictness for a text that is already here. */
export function parseJson(text: string): JsonValue {
  const parsed = parseStrictJson(text, { depth: limits.jsonDepth })
  if (!parsed.ok) throw errors.malformed_json({ detail: parsed.message })
  return parsed.value
}

/**
 * The one door for forms: `application/x-www-form-urlencoded`, UTF-8, each field once, no NUL. Values are strings and
 * nothing else (security.md §2.15).
 */
export async function readForm(request: IncomingMessage, limit: number = limits.formBytes): Promise<Form> {
  requireMediaType(request, 'application/x-www-form-urlencoded')
  return parseForm(await readText(request, limit, errors.malformed_form))
}

export type Form = ReadonlyMap<string, string>

export function parseForm(text: string): Form {
  const fields = new Map<string, string>()
  if (text === '') return fields
  const pairs = text.split('&')
  if (pairs.length > limits.formFields) throw errors.malformed_form({ detail: 'It has too many fields.' })
  for (const pair of pairs) {
    const equals = pair.indexOf('=')
    const name = decodeField(equals < 0 ? pair : pair.slice(0, equals))
    if (fields.has(name)) throw errors.malformed_form({ detail: 'A field stands twice.' })
    fields.set(name, equals < 0 ? '' : decodeField(pair.slice(equals + 1)))
  }
  return fields
}

function decodeField(text: string): string {
  let decoded: string
  try {
    decoded = decodeURIComponent(text.replaceAll('+', ' '))
  } catch (cause) {
    throw errors.malformed_form({ detail: 'A field is not UTF-8.', cause })
  }
  if (decoded.includes('\0')) throw errors.malformed_form({ detail: 'A field holds a NUL character.' })
  return decoded
}

/** True if the request announces a body. */
export const hasBody = (request: IncomingMessage): boolean =>
  request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0

function requireMediaType(request: IncomingMessage, wanted: string): void {
  const [type = '', ...parameters] = (request.headers['content-type'] ?? '').split(';')
  const charset = parameters.map((part) => /^\s*charset="?([^"]*)"?\s*$/i.exec(part)?.[1]).find(Boolean)
  const isWanted = type.trim().toLowerCase() === wanted && (charset === undefined || /^utf-?8$/i.test(charset))
  if (isWanted && request.headers['content-encoding'] === undefined) return
  throw errors.unsupported_media_type({ detail: `Send ${wanted} in UTF-8.`, headers: { accept: wanted } })
}

/** Throws 413 as soon as more than `limit` bytes are announced or sent; the rest is never held. */
export async function readText(
  request: IncomingMessage,
  limit: number,
  malformed: typeof errors.malformed_json,
): Promise<string> {
  const bytes = await readBytes(request, limit)
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw malformed({ detail: 'It is not UTF-8.', cause })
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function readBytes(request: IncomingMessage, limit: number): Promise<Buffer> {
  const tooLarge = () => errors.body_too_large({ detail: `At most ${limit} bytes.`, headers: { connection: 'close' } })
  if (Number(request.headers['content-length'] ?? 0) > limit) return Promise.reject(tooLarge())
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const settle = (act: () => void) => {
      request.off('data', onData).off('end', onEnd).off('error', onBroken).off('close', onBroken)
      act()
    }
    const onData = (chunk: Buffer) => {
      size += chunk.length
      if (size <= limit) chunks.push(chunk)
      else settle(() => reject(tooLarge()))
    }
    const onEnd = () => settle(() => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)))
    const onBroken = () => settle(() => reject(errors.body_timeout({ detail: 'The body ended early.' })))
    request.on('data', onData).on('end', onEnd).on('error', onBroken).on('close', onBroken)
  })
}

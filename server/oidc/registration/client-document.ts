import { hash } from 'node:crypto'
import type { Egress } from '../../../adapters/egress/port.ts'
import { EgressError } from '../../../adapters/egress/port.ts'
import type { JsonValue } from '../../decision/decision-point.ts'
import { parseJson } from '../../http/body.ts'
import { Refusal } from '../../http/refusal.ts'
import { grantTypes } from '../client-metadata.ts'
import { registrationErrors } from './errors.ts'
import { type Candidate, readMetadata, type WireMetadata } from './read-metadata.ts'
import { type Terms, within } from './terms.ts'

const minute = 60_000
const longestDocument = 32 * 1024
/** Bounds of what `Cache-Control` may say: neither asked at every request, nor believed for longer than a day. */
const shortestFresh = minute
const ordinaryFresh = 5 * minute
const longestFresh = 24 * 60 * minute

export type ClientDocument = {
  readonly candidate: Candidate
  readonly digest: string
  readonly freshMilliseconds: number
}
/** `away`: it may be there again in a moment; `gone`: there is none, or it is not acceptable. */
export type DocumentFailure = { readonly failure: 'away' | 'gone'; readonly why: string }

/**
 * Whether a client id is the address of a document (draft-ietf-oauth-client-id-metadata-document-02 §3): https, with a path, in its
 * normal form, without fragment, userinfo or dot segments.
 */
export function documentHost(clientId: string): string | undefined {
  if (!/^https:\/\/[^/?#@]+\/[^#]+$/.test(clientId) || clientId.length > 255) return undefined
  const url = URL.parse(clientId)
  return url?.href === clientId && url.username === '' && url.password === '' ? url.host : undefined
}

/** Fetches and judges the form of a document; what the rules say of it is another question. */
export async function readClientDocument(
  egress: Egress,
  clientId: string,
  terms: Terms,
): Promise<ClientDocument | DocumentFailure> {
  let response: Response
  try {
    response = await egress(clientId, { headers: { accept: 'application/json' } })
  } catch (error) {
    if (!(error instanceof EgressError)) throw error
    const isAway = error.kind === 'unavailable' || error.kind === 'timeout'
    return { failure: isAway ? 'away' : 'gone', why: error.kind }
  }
  if (response.status !== 200)
    return { failure: response.status >= 500 ? 'away' : 'gone', why: `status ${response.status}` }
  const text = await response.text()
  const type = response.headers.get('content-type') ?? ''
  if (!/^application\/([a-z0-9.+-]+\+)?json\s*(;|$)/i.test(type)) return { failure: 'gone', why: 'no JSON by its type' }
  if (Buffer.byteLength(text) > longestDocument) return { failure: 'gone', why: 'too long' }
  try {
    const candidate = candidateOf(clientId, parseJson(text), terms)
    return { candidate, digest: hash('sha256', text, 'base64url'), freshMilliseconds: freshness(response.headers) }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { failure: 'gone', why: error.options.detail ?? error.kind.title }
  }
}

function candidateOf(clientId: string, json: JsonValue, terms: Terms): Candidate {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw refuse('it is no JSON object')
  const wire = json as WireMetadata
  if (wire.client_id !== clientId) throw refuse('client_id is not its address')
  if (wire.client_secret !== undefined || wire.client_secret_expires_at !== undefined)
    throw refuse('a secret that everyone reads is none')
  // The document is the same for every server: what this one does not give is left out, not refused.
  const { client_id: _, software_statement: __, ...metadata } = wire
  const words = typeof wire.scope === 'string' ? wire.scope.split(' ') : terms.scope.split(' ')
  const offered = terms.scope.split(' ')
  const read = readMetadata(
    {
      ...metadata,
      scope: words.filter((word) => offered.includes(word)).join(' '),
      grant_types: grantsOf(wire.grant_types, terms),
      response_types: ['code'],
      token_endpoint_auth_method: wire.token_endpoint_auth_method ?? 'none',
    },
    terms,
  )
  const method = read.metadata.tokenEndpointAuthMethod
  if (method.startsWith('client_secret')) throw refuse('it authenticates by a secret')
  return { name: read.name, metadata: within(terms, read.metadata) }
}

function grantsOf(given: JsonValue | undefined, terms: Terms): JsonValue[] {
  const asked: readonly unknown[] = Array.isArray(given) ? given : ['authorization_code']
  const known = grantTypes.filter((type) => asked.includes(type) && terms.grantTypes.includes(type))
  if (!known.includes('authorization_code')) throw refuse('it does not use the authorization code')
  return known
}

function freshness(headers: Headers): number {
  const control = headers.get('cache-control') ?? ''
  const seconds = /(?:^|[,\s])max-age\s*=\s*"?(\d{1,9})/i.exec(control)?.[1]
  if (/(?:^|[,\s])no-(?:store|cache)\b/i.test(control)) return shortestFresh
  if (seconds === undefined) return ordinaryFresh
  return Math.max(shortestFresh, Math.min(longestFresh, Number(seconds) * 1_000))
}

const refuse = (detail: string): Error => registrationErrors.invalid_client_metadata({ detail })

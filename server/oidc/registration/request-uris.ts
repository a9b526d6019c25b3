import { hash } from 'node:crypto'
import { type Egress, EgressError } from '../../../adapters/egress/port.ts'
import { createTokenBuckets } from '../../http/token-buckets.ts'
import { isFapi } from '../fapi.ts'
import type { TenantProvider } from '../providers.ts'

const pushed = 'urn:ietf:params:oauth:request_uri:'
const longestObject = 64 * 1024
const keptObjects = 200
const mostClients = 10_000

/** Why a request object was not had; shown on a page, since nothing of the request has been believed yet. */
export type RequestUriFailure = { readonly status: 400 | 429; readonly why: string }
export type ReadRequestUri = (
  query: URLSearchParams,
  tenantProvider: Pick<TenantProvider, 'tenant' | 'settings' | 'findClient'>,
) => Promise<URLSearchParams | RequestUriFailure | undefined>

/**
 * Puts the request object in the place of its address (RFC 9101 §5.2.2): from addresses that the client registered, through the
 * guard, at most 64 KiB. Undefined where it is none of ours to do, and the library answers. An address whose fragment is the digest of
 * what lies there (OIDC Core §6.2) is read once; any other is read each time.
 */
export function createRequestUris(egress: Egress | undefined, now: () => number): ReadRequestUri {
  const kept = new Map<string, string>()
  // Anybody may send a browser here: a client's server is not asked more often than its own sign-ins would.
  const budget = createTokenBuckets({ burst: 60, perSecond: 2, capacity: mostClients })
  return async (query, { tenant, settings, findClient }) => {
    const uri = query.get('request_uri')
    const clientId = query.get('client_id')
    const isPlain = query.getAll('request_uri').length === 1 && query.getAll('client_id').length === 1
    if (uri === null || clientId === null || !isPlain || query.has('request') || uri.startsWith(pushed))
      return undefined
    if (!settings.requestUri || !egress) return undefined
    const client = await findClient(clientId)
    // Whoever must push says nothing by reference; the library refuses it.
    if (!client || isFapi(client.metadata.profile) || client.metadata.requirePushedAuthorizationRequests)
      return undefined
    if (!isRegistered(uri, client.metadata.requestUris ?? []))
      return { status: 400, why: 'the request_uri is not registered' }
    const known = kept.get(uri)
    if (known !== undefined) return withRequest(query, known)
    if (budget.take(JSON.stringify([tenant.id, clientId]), now()) > 0) return { status: 429, why: 'too many requests' }
    const read = await readObject(egress, uri)
    if (typeof read !== 'string') return read
    if (digestOf(uri) !== undefined) {
      if (kept.size >= keptObjects) kept.clear()
      kept.set(uri, read)
    }
    return withRequest(query, read)
  }
}

async function readObject(egress: Egress, uri: string): Promise<string | RequestUriFailure> {
  const refuse = (why: string) => ({ status: 400, why }) as const
  try {
    const response = await egress(uri.split('#')[0] ?? uri, {
      headers: { accept: 'application/oauth-authz-req+jwt, application/jwt' },
    })
    if (response.status !== 200) return refuse('the request_uri does not answer')
    const text = await response.text()
    const digest = digestOf(uri)
    if (digest !== undefined && hash('sha256', text, 'base64url') !== digest)
      return refuse('what lies at the request_uri is not what its fragment says')
    const object = text.trim()
    if (object.length > longestObject || !/^[\w-]+(\.[\w-]*){2,4}$/.test(object))
      return refuse('there is no request object at the request_uri')
    return object
  } catch (error) {
    if (!(error instanceof EgressError)) throw error
    return refuse('the request_uri cannot be read')
  }
}

/** Compared character by character; where nothing is registered about the content, any digest may follow. */
const isRegistered = (uri: string, registered: readonly string[]): boolean =>
  registered.includes(uri) || registered.includes(uri.split('#')[0] ?? '')

/** Base64url of SHA-256 is 43 characters; any other fragment only tells versions apart. */
const digestOf = (uri: string): string | undefined => /#([\w-]{43})$/.exec(uri)?.[1]

function withRequest(query: URLSearchParams, object: string): URLSearchParams {
  const replaced = new URLSearchParams(query)
  replaced.delete('request_uri')
  replaced.set('request', object)
  return replaced
}

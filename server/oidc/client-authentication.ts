import type { Clock } from '../../adapters/clock/port.ts'
import type { ClientAuthenticator } from '../http/authentication.ts'
import { entityOf, scopesOf } from '../identity/entities.ts'
import { type ClientRecords, isSecretOf } from './client-records.ts'

/** As long as the records behind it may be old. */
const trustMilliseconds = 5_000

/** `client_secret_basic` at routes of ours that take it beside a bearer token (RFC 6749 §2.3.1). */
export function createClientAuthenticator(clients: ClientRecords, clock: Clock): ClientAuthenticator {
  return {
    async authenticate(tenant, authorization) {
      const given = parseBasic(authorization)
      if (!given) return undefined
      const record = await clients.find(tenant.id, given.id)
      const isRegistered = (record?.metadata.tokenEndpointAuthMethod ?? 'client_secret_basic') === 'client_secret_basic'
      if (!record || !isRegistered || !isSecretOf(record, given.secret)) return undefined
      const client = entityOf('Client', record.id)
      return {
        subject: client,
        client,
        scopes: new Set(scopesOf(record.metadata.scope)),
        expiresAt: clock.now() + trustMilliseconds,
      }
    },
  }
}

function parseBasic(authorization: string): { readonly id: string; readonly secret: string } | undefined {
  const encoded = /^basic ([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1]
  if (encoded === undefined || encoded.length > 4_096) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 1) return undefined
  try {
    const [id, secret] = [text.slice(0, colon), text.slice(colon + 1)].map((part) =>
      decodeURIComponent(part.replaceAll('+', '%20')),
    )
    return id && secret ? { id, secret } : undefined
  } catch {
    return undefined
  }
}

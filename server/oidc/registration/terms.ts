import { z } from 'zod'
import { type ClientMetadata, grantTypes, identityScopes, scopeText } from '../client-metadata.ts'
import { registrationErrors } from './errors.ts'

/** What a client that nobody made by hand may hold at most, whatever it says of itself and whatever the rules would allow. */
export const termsSchema = z.strictObject({
  scope: scopeText.default([...identityScopes].join(' ')),
  /** Audiences beside userinfo. None by default: a token for a module acts for the person who consented. */
  resources: z.array(z.string().min(1).max(2_000)).max(50).default([]),
  /** No device codes by default: a code that anybody's app may show is what phishing lives on (RFC 8628 §5.4). */
  grantTypes: z.array(z.enum(grantTypes)).min(1).default(['authorization_code', 'refresh_token']),
})
export type Terms = z.infer<typeof termsSchema>

const wordsOf = (text: string): string[] => text.split(' ').filter((word) => word !== '')

/** Refuses what goes beyond the terms (security.md §2.14), and settles what only they can say. */
export function within(terms: Terms, metadata: ClientMetadata): ClientMetadata {
  const scopes = new Set(wordsOf(terms.scope))
  const foreign = wordsOf(metadata.scope).find((scope) => !scopes.has(scope))
  if (foreign !== undefined) throw refuse(`scope ${foreign} cannot be registered here`)
  const grant = metadata.grantTypes.find((type) => !terms.grantTypes.includes(type))
  if (grant !== undefined) throw refuse(`grant type ${grant} cannot be registered here`)
  return { ...metadata, allowedResources: terms.resources }
}

/** What both allow. */
export const meet = (one: Terms, other: Terms): Terms => ({
  scope: wordsOf(one.scope)
    .filter((scope) => wordsOf(other.scope).includes(scope))
    .join(' '),
  resources: one.resources.filter((resource) => other.resources.includes(resource)),
  grantTypes: one.grantTypes.filter((type) => other.grantTypes.includes(type)),
})

const refuse = (detail: string): Error => registrationErrors.invalid_client_metadata({ detail })

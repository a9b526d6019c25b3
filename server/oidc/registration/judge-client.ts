import type { DecisionPoint, JsonValue } from '../../decision/decision-point.ts'
import { errors } from '../../http/errors.ts'
import type { RequestScope } from '../../http/request-scope.ts'
import { entityOf } from '../../identity/entities.ts'
import { algorithmMistakeOf, answerAlgorithms } from '../algorithms.ts'
import { fapiMistake } from '../fapi.ts'
import { certificateMistake } from '../mutual-tls.ts'
import { sectorMistake } from '../pairwise.ts'
import { registrationErrors } from './errors.ts'
import type { Candidate } from './read-metadata.ts'
import type { Way } from './registered-clients.ts'

/** What the rules are told of an app that would be known here. */
export type Application = {
  readonly scope: RequestScope
  readonly way: Way | 'document'
  readonly candidate: Candidate
  /** Where it has one already. */
  readonly clientId?: string
  readonly listed?: boolean
  readonly statement?: { readonly issuer: string; readonly softwareId?: string }
}

/** Throws unless the rules let the app be known as it would be, as a whole (provider.md §6). Answers the decision's id. */
export async function requireRegistrable(decisions: DecisionPoint, application: Application): Promise<string> {
  const { scope, way, listed, clientId } = application
  const judgement = await decisions.decide(scope, {
    action: 'registerClient',
    resource: entityOf('Tenant', scope.tenant.id),
    context: { way, ...contextOf(application), ...(listed === undefined ? {} : { listed }) },
  })
  if (judgement.decision) return judgement.id
  if (judgement.code === 'unavailable') throw errors.decision_unavailable()
  const [text] = judgement.texts
  // Nobody said no, and nobody has shown who asks: an initial access token would help.
  const isStranger = scope.subject.type === 'Anonymous' && way === 'open' && clientId === undefined
  const refuse =
    isStranger && judgement.reasons.length === 0 ? registrationErrors.initial_token_needed : errors.access_denied
  throw refuse({ ...(text === undefined ? {} : { detail: text }), privateDetail: `decision ${judgement.id}` })
}

/** Throws unless the rules let the app change itself to this. */
export async function requireUpdatable(decisions: DecisionPoint, application: Application): Promise<void> {
  const { scope, clientId = '' } = application
  const client = entityOf('Client', clientId)
  const judgement = await decisions.decide(scope, {
    action: 'updateClient',
    subject: client,
    resource: entityOf('Tenant', scope.tenant.id),
    context: contextOf(application),
  })
  if (judgement.decision) return
  if (judgement.code === 'unavailable') throw errors.decision_unavailable()
  const [text] = judgement.texts
  throw errors.access_denied({
    ...(text === undefined ? {} : { detail: text }),
    privateDetail: `decision ${judgement.id}`,
  })
}

/** Each member is right by itself; together they may be of no use. */
export function requireServable({ metadata }: Candidate): void {
  // Which algorithms the tenant has keys for is asked of the library (`require-usable.ts`).
  const detail =
    fapiMistake(metadata) ??
    certificateMistake(metadata) ??
    sectorMistake(metadata) ??
    algorithmMistakeOf(metadata, answerAlgorithms)
  if (detail !== undefined) throw registrationErrors.invalid_client_metadata({ detail })
}

function contextOf({ candidate, clientId, statement }: Application): { readonly [name: string]: JsonValue } {
  const { name, metadata } = candidate
  const hosts = metadata.redirectUris.flatMap((uri) => {
    const host = URL.parse(uri)?.host
    return host ? [host] : []
  })
  return {
    metadata: {
      ...(clientId === undefined ? {} : { clientId }),
      clientName: name,
      application: metadata.applicationType,
      authentication: metadata.tokenEndpointAuthMethod,
      redirectUris: [...metadata.redirectUris],
      hosts: [...new Set(hosts)],
      grants: [...metadata.grantTypes],
      scopes: metadata.scope.split(' ').filter((scope) => scope !== ''),
      resources: [...(metadata.allowedResources ?? [])],
      contacts: [...(metadata.contacts ?? [])],
      ...(metadata.softwareId === undefined ? {} : { softwareId: metadata.softwareId }),
      ...(metadata.softwareVersion === undefined ? {} : { softwareVersion: metadata.softwareVersion }),
    },
    ...(statement === undefined ? {} : { softwareStatement: statement }),
  }
}

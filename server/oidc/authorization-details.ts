import type { AuthorizationDetail, KoaContextWithOIDC } from 'oidc-provider'
import { actionKey, type Program, readContext } from '../../policy-lang/index.ts'
import type { JsonValue } from '../decision/decision-point.ts'
import { entityOf } from '../identity/entities.ts'
import type { DetailRequest } from '../issuance/issue.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import type { ApiResource } from './api-resources.ts'
import type { ClientRecord } from './client-records.ts'
import type { Exchanges } from './exchange.ts'
import type { Library } from './library.ts'
import { resourceServerOf } from './resources.ts'

const mostDetails = 10
const longestId = 256

/**
 * Types of `authorization_details` (RFC 9396 §2.1): the actions that a tenant's own policies declare, named `Type.action`. What the
 * platform and its modules do is asked by scopes.
 */
export const detailTypesOf = (program: Program): readonly string[] =>
  [...program.actions.values()]
    .filter(({ layer }) => layer === 'tenant')
    .map(({ name, resourceType }) => `${resourceType}.${name}`)
    .sort()

/**
 * One detail as the question that it is: `identifier` names the resource, every other member is an argument of the action, of its
 * declared type. A text says what is wrong (RFC 9396 §5: unknown members are not passed over).
 */
export function readDetail(program: Program, detail: AuthorizationDetail): DetailRequest | string {
  const { type, identifier, locations, ...others } = detail
  const dot = type.indexOf('.')
  const [resourceType, action] = [type.slice(0, dot), type.slice(dot + 1)]
  const declared = program.actions.get(actionKey(action, resourceType))
  if (declared?.layer !== 'tenant') return `${type} is no type of this tenant`
  if (typeof identifier !== 'string' || identifier.length > longestId) return 'identifier must name the resource'
  // Common to all types, unless an action has an argument of this name (RFC 9396 §2.2).
  const isArgument = locations === undefined || Object.hasOwn(declared.arguments, 'locations')
  if (!isArgument && !areLocations(locations)) return 'locations must be a list of resources'
  const members = isArgument && locations !== undefined ? { ...others, locations } : others
  const unknown = Object.keys(members).find((name) => !Object.hasOwn(declared.arguments, name))
  if (unknown !== undefined) return `${type} has no member ${unknown.slice(0, 100)}`
  const mistyped: string[] = []
  // Members are JSON: the parameter was parsed from a text.
  const json = members as { readonly [name: string]: JsonValue }
  readContext(program, { action, resource: entityOf(resourceType, identifier) }, { json, mistyped })
  if (mistyped.length > 0) return `${mistyped[0]?.replace('context.', '')} has another type`
  return { action, resource: { type: resourceType, id: identifier }, context: json }
}

const areLocations = (locations: unknown): locations is readonly string[] =>
  Array.isArray(locations) &&
  locations.length > 0 &&
  locations.length <= mostDetails &&
  locations.every((location) => typeof location === 'string')

/** Where a detail says nothing of it, it is for whatever resource the token is for. */
const isFor = ({ locations }: AuthorizationDetail, audience: unknown): boolean =>
  !areLocations(locations) || locations.some((location) => location === audience)

/** Details that stand in a stored source, as the gate asks about them; what is no longer declared is a no. */
export function detailRequests(program: Program, details: readonly AuthorizationDetail[] | undefined): DetailRequest[] {
  return (details ?? []).map((detail) => {
    const read = readDetail(program, detail)
    return typeof read === 'string' ? { action: detail.type, resource: { type: 'Unknown', id: '' }, context: {} } : read
  })
}

type Kit = {
  readonly library: Library
  readonly exchanges: Exchanges
  readonly recordOf: (clientId: string) => Promise<ClientRecord>
  readonly types: readonly string[]
  readonly tenant: Tenant
  readonly resources: readonly ApiResource[]
}

/** What the library asks about `authorization_details`; whether they are permitted is the gate's to say, for code and token alike. */
export function detailHooks({ library, exchanges, recordOf, types, tenant, resources }: Kit) {
  const refuse = (why: string) => new library.errors.InvalidAuthorizationDetails(why)
  const validate = async (
    ctx: KoaContextWithOIDC,
    detail: AuthorizationDetail,
    client: { readonly clientId: string },
  ): Promise<void> => {
    const record = await recordOf(client.clientId)
    const { metadata } = record
    if (!metadata.authorizationDetailsTypes?.includes(detail.type)) {
      throw refuse(`authorization details type '${detail.type}' is not allowed for this client`)
    }
    if (requestedDetails(ctx).length > mostDetails) throw refuse(`at most ${mostDetails} details`)
    const read = readDetail(exchanges.current().scope.policy.program, detail)
    if (typeof read === 'string') throw refuse(read)
    const { locations } = detail
    if (Object.hasOwn(read.context, 'locations') || !areLocations(locations)) return
    const isForPerson = ctx.oidc.params?.grant_type !== 'client_credentials'
    const foreign = locations.find((one) => !resourceServerOf({ tenant, resources }, one, record, isForPerson))
    if (foreign !== undefined) throw refuse('a location is no resource of this client')
  }
  return {
    enabled: types.length > 0,
    types: Object.fromEntries(types.map((type) => [type, { validate }])),

    /** What was asked and shown: the consent page always comes with them, and its yes is of this very request. */
    authorizationDetailsForGrantSource: async (ctx: KoaContextWithOIDC): Promise<AuthorizationDetail[] | undefined> => {
      const details = requestedDetails(ctx)
      if (details.length === 0) return undefined
      if (!ctx.oidc.result?.consent) throw refuse('nobody has agreed to the details')
      return details
    },

    /** All that was granted, or a part of it (RFC 9396 §6); a client's own grant has nothing but what it asks for. */
    authorizationDetailsForAccessToken: async (
      ctx: KoaContextWithOIDC,
      token: { readonly aud?: unknown },
      source: { readonly rar?: AuthorizationDetail[] | undefined } | undefined,
    ): Promise<AuthorizationDetail[] | undefined> => {
      const asked = requestedDetails(ctx)
      if (asked.some((detail) => !isFor(detail, token.aud))) throw refuse('a detail is for another resource')
      if (!source) return asked
      const granted = (source.rar ?? []).filter((detail) => isFor(detail, token.aud))
      if (asked.length === 0) return granted
      const known = new Set(granted.map(canonical))
      if (asked.some((detail) => !known.has(canonical(detail)))) throw refuse('a detail was not granted')
      return asked
    },

    authorizationDetailsForIntrospection: async (
      _ctx: KoaContextWithOIDC,
      token: { readonly rar?: AuthorizationDetail[] | undefined },
    ): Promise<AuthorizationDetail[] | undefined> => token.rar,
  }
}

/** As the library has parsed and checked them. */
function requestedDetails(ctx: KoaContextWithOIDC): AuthorizationDetail[] {
  const text = ctx.oidc.params?.authorization_details
  // The library has parsed the same text, and refuses what is no array of objects with a type.
  return typeof text === 'string' ? (JSON.parse(text) as AuthorizationDetail[]) : []
}

/** The same members in another order are the same detail. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}
